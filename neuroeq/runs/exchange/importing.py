"""A SPICE netlist as a run: a resistor network with its conductances, and the voltages of its sources as one sample.

Conductances are kept in a unit that is a power of 2, so that in siemens they are 1/R to the last bit. Targets are those
of the netlist's nudge, and 0 V at every output if it has none.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from neuroeq.data import from_arrays
from neuroeq.describe.catalog import network as described
from neuroeq.describe.catalog import resolve
from neuroeq.describe.spec import Network, read
from neuroeq.errors import SpecError, given
from neuroeq.learning.history import WeightHistory
from neuroeq.learning.state import State
from neuroeq.randomness import Streams

from ..interruption import interrupting
from ..records import DATA_FILE, choose
from ..result import concluded
from ..run import Run, load_run
from ..session import begun
from .amplified import Gains, shared_gains, without_amplifiers
from .netlist import Netlist, read_netlist
from .nudged import Pull, without_nudge
from .structure import Structure, structure_of

Array = np.ndarray
ARRANGEMENTS = ("both", "lower", "upper", "split")


def import_netlist(path: Path, out: Path, nodes: Path | None = None) -> Run:
    """Make a run folder of a netlist.

    Parameters
    ----------
    path
        The netlist; nothing in it is run.
    out
        The folder to make.
    nodes
        A TOML file with the nodes by layer, ``input`` first and ``outputs`` last; found over the resistors if left out.

    Returns
    -------
    Run
        Its data are one sample, the voltages of the netlist's sources; it was not trained.

    Raises
    ------
    SpecError
        If the netlist cannot be read, has something that is not represented, or the folder is not empty.
    """
    begin = time.perf_counter()
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror}); name a netlist.") from None
    netlist, pull = without_nudge(read_netlist(text, str(path)))
    netlist, gains = without_amplifiers(netlist)
    found = structure_of(netlist, None if nodes is None else read_nodes(nodes))
    targets = _targets(netlist, found, pull)
    network, params = as_network(netlist, found, path.stem, shared_gains(netlist, gains, found.layers), pull)
    source = from_arrays((found.volts[None], targets[None]))
    folder = choose(out, network, resume=False)
    network.read_from(folder.path / "run.toml", network.where)
    with folder.held(resume=False), threadpool_limits(1), interrupting(None):
        folder.describe(network)
        folder.write_data(source)
        state = State(params, epoch=network.training.epochs)
        WeightHistory(network, state, Streams(network.run.seed), 1).sample(0.0)
        folder.save(state)
        session = begun(folder, network, "numpy", source)
        score = session.score(session.examples.train, "train")
        residual = session.evaluator.relax(found.volts[None], stop=session.evaluator.stop(network.phases.free)).residual
        row = score.named("train") | {"train_loss": score.loss, "residual": residual}
        folder.write_metrics([session.state.tally.mean() | {"epoch": 0, **row}])
        session.state.wall_s = time.perf_counter() - begin
        concluded(session)
        folder.write_result(folder.result() | {"epochs": 0, "updates": 0, "learned": False, "samples_per_s": None})
    return load_run(folder.path)


def read_nodes(path: Path) -> dict[str, list[str]]:
    """Return the nodes by layer that a TOML file names.

    Raises
    ------
    SpecError
        If it does not name nodes so.
    """
    table = read(path)
    names = list(table)
    if len(names) < 2 or names[0] != "input" or names[-1] != "outputs":
        raise SpecError(f"{path}: names {', '.join(names) or 'nothing'}; expected input first, layers, outputs last.")
    for name, nodes in table.items():
        if not isinstance(nodes, list) or not nodes or not all(isinstance(node, str) for node in nodes):
            raise SpecError(f'{path}: {name} is {given(nodes)}; expected names of nodes, such as ["n1", "n2"].')
    return {name: [node.lower() for node in nodes] for name, nodes in table.items()}


def _targets(netlist: Netlist, found: Structure, pull: Pull | None) -> Array:
    """Return the voltages that the outputs are to have, in volts: (n_output,)."""
    outputs = list(found.layers.values())[-1]
    if pull is None:
        return np.zeros(len(outputs))
    if set(pull.volts) != set(outputs):
        raise SpecError(
            f"{netlist.where}: nudges {len(pull.volts)} nodes, which are not the {len(outputs)} outputs; expected a "
            "nudge at each output, or none."
        )
    return np.array([pull.volts[node] for node in outputs])


def as_network(
    netlist: Netlist, found: Structure, name: str, gains: Gains | None, pull: Pull | None
) -> tuple[Network, dict[str, Array]]:
    """Return the resolved network of a netlist, and its conductances and bias currents in the network's units.

    Raises
    ------
    SpecError
        If the diodes of a layer are not arranged alike, or a name is not allowed.
    """
    names = list(found.layers)
    arrangement, tables = _diodes(netlist, found)
    shared = next((table for table in tables.values() if table["model"] != "none"), {"model": "none"})
    layers: dict[str, Any] = {each: {"size": len(found.layers[each]), "bias": each in found.amperes} for each in names}
    layers[names[0]] |= {"role": "input", "bias": False}
    layers[names[-1]] |= {"role": "output"}
    for layer, table in tables.items():
        layers[layer] |= {} if table == shared else {"nonlinearity": table}
    present = np.concatenate([g[g > 0] for g in found.siemens.values()])
    unit = 2.0 ** round(float(np.log2(np.median(present))))
    projections = {f"{one}_{other}": (one, other) for one, other in found.siemens}
    network = described(
        name,
        title=f"The netlist {Path(netlist.where).name}",
        data={"name": DATA_FILE, "protocol": "whole", "targets": "values"},
        layers=layers,
        projections={
            each: {"source": ends[0], "target": ends[1], "learning_rate": 0.01, "bounds": [0.0, 1e30]}
            for each, ends in projections.items()
        },
        phases={**_nudge(pull, unit), "free": _SETTLED, "nudged": _SETTLED},
        training={"epochs": 1, "batch_size": 1},
        substrate={"resistive": {"circuit": _CIRCUIT | {"diodes": arrangement, "g_unit": f"{unit!r} S"}}},
        hardware=_hardware(netlist, shared, gains),
    )
    params = {each: found.siemens[ends] / unit for each, ends in projections.items()}
    params |= {f"{layer}.bias": amperes / unit for layer, amperes in found.amperes.items()}
    return resolve(network, "resistive"), params


_SETTLED = {"duration": "100000 steps", "tolerance": 1e-12}
_CIRCUIT = {"double_inputs": False, "outputs": "single", "v_unit": "1 V"}


def _nudge(pull: Pull | None, unit: float) -> dict[str, Any]:
    """Return the keys of the phases that say how outputs are nudged; `unit` is that of conductances [S]."""
    if pull is None:
        return {"beta": 0.05, "nudge": "held_current"}
    variant = "positive" if pull.siemens > 0 else "centred"  # that of -beta may have no equilibrium
    return {"beta": abs(pull.siemens) / unit, "nudge": "conductance", "variant": variant}


def _hardware(netlist: Netlist, diodes: Mapping[str, Any], gains: Gains | None) -> dict[str, Any]:
    """Return the table of the hardware: diodes as hot as in the netlist, its capacitors and its amplifiers."""
    kelvin = float(Decimal(repr(netlist.celsius)) + Decimal("273.15"))
    neuron: dict[str, Any] = {"nonlinearity": dict(diodes)}
    farads = {each.value for each in netlist.of("c")}
    if len(farads) > 1:
        raise SpecError(f"{netlist.where}: has {len(farads)} capacitances; expected one for all nodes, or none.")
    if farads:
        neuron["c_node"] = f"{float(farads.pop())!r} F"
    if gains is not None:
        neuron["amplifier"] = {"gain": float(gains[0]), "back_gain": float(gains[1])}
    return {
        "name": "netlist",
        "title": f"Elements of the netlist {Path(netlist.where).name}",
        "temperature": f"{kelvin!r} K",
        "neuron": neuron,
    }


def _diodes(netlist: Netlist, found: Structure) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return how diodes are arranged in hidden layers, and the table of the diodes of each."""
    possible, tables = set(ARRANGEMENTS), {}
    for layer in list(found.layers)[1:-1]:
        nodes = found.layers[layer]
        sides = [found.diodes.get(node, ("", "", "")) for node in nodes]
        kinds = [{each[i] for each in sides if each[i]} for i in range(3)]
        if any(len(kind) > 1 for kind in kinds):
            raise SpecError(
                f"{netlist.where}: the diodes of layer '{layer}' differ in model or bias; expected one of each in a "
                "layer, so put the nodes in two layers with --nodes."
            )
        if not kinds[0]:
            tables[layer] = {"model": "none"}
            continue
        half = (len(nodes) + 1) // 2
        low, high = ([bool(each[i]) for each in sides] for i in (1, 2))
        fits = {"both": all(low) and all(high), "lower": all(low) and not any(high)}
        fits |= {"upper": all(high) and not any(low)}
        fits |= {"split": all(low[:half]) and all(high[half:]) and not (any(low[half:]) or any(high[:half]))}
        possible &= {each for each, fit in fits.items() if fit}
        tables[layer] = _table(netlist.models[kinds[0].pop()], *kinds[1:])
    if not possible:
        raise SpecError(
            f"{netlist.where}: diodes are not arranged alike in all layers; expected both, lower, upper, or lower ones "
            "in the first half of each layer and upper ones in the second."
        )
    if all(table["model"] == "none" for table in tables.values()):
        return "none", {}
    return next(each for each in ARRANGEMENTS if each in possible), tables


def _table(card: Mapping[str, float], low: set[str], high: set[str]) -> dict[str, Any]:
    """Return the table of diodes, those with a junction by the constants and formulas of ngspice."""
    # a missing side has the bias of the other, which no diode sees
    bias = {"v_bias_up": next(iter(high or low)), "v_bias_down": next(iter(low or high))}
    if not card:
        return {"model": "ideal", **bias}
    if "threshold" in card:
        ohms = {"r_off": 1 / card["below"], "r_on": 1 / (card["below"] + card["step"])}
        table = {key: f"{value!r} ohm" for key, value in ohms.items()}
        return {"model": "piecewise", "threshold": f"{card['threshold']!r} V", **table, **bias}
    units = {"i_s": f"{card['is']!r} A", "n": card["n"], "e_g": f"{card['eg']!r} V", "xti": card["xti"]}
    return {"model": "shockley", **units, "spice": True, **bias}
