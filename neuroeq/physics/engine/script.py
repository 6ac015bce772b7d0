"""A network at rest with one sample, as a script of Brian2 that needs no neuroeq.

The code of models in it is what `UnitCode` gives to Brian2 here, rendered from parsed trees. Everything else that comes
from files stands in it as the literal of a Python value, so that no name or title ends a string or a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import fill, indent
from typing import Any

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.units import KINDS, Physical, physical

from .population import Population
from .script_text import END, GRADIENTS, HEAD, PULL
from .simulation import Simulation
from .strength import STRENGTHS
from .unit_code import UnitCode, unit_text

Array = np.ndarray
PLAIN = re.compile(r"[\w \n.+\-*/%<>=!(),:]*", re.ASCII)
"""What the code of models is made of; a text of anything else is written with escapes."""
NAMED = {KINDS[kind]: name for kind, name in (("a voltage", "volt"), ("a rate", "hertz"), ("a time", "second"))}
"""Units that have a name of their own in scripts, by dimension."""


@dataclass(frozen=True)
class Trial:
    """One sample, and the phases of a script.

    Parameters
    ----------
    inputs, target
        What the input layer is clamped to, (n_input,), and what outputs are nudged towards, (n_output,).
    phases
        The name, the number of steps and the beta of each phase, of which the first one is free.
    rest
        The start values of units, by layer and variable: (n,).
    about
        Lines for the head of the script.
    """

    inputs: Array
    target: Array
    phases: list[tuple[str, int, float]]
    rest: Mapping[str, Mapping[str, Array]]
    about: list[str]


def script(network: Network, simulation: Simulation, params: Params, trial: Trial) -> str:
    """Return the script.

    Parameters
    ----------
    network
        The network, resolved for its substrate, which `check` accepts.
    simulation
        Its simulation, in which the parameters are held.
    params
        Weights by projection: (n_pre, n_post).
    trial
        The sample and the phases.

    Raises
    ------
    SpecError
        If units send what they compute from the drive, which such a script cannot hold.
    """
    sent = "spike" if network.kind.sends == "spikes" else "activity"
    arriving: dict[str, dict[str, tuple[str, str, bool]]] = {layer: {} for layer in network.layers}
    for name, projection in network.projections.items():
        arriving[projection.target][f"from_{name}"] = (name, projection.source, False)
        if network.symmetric(name) and projection.source != projection.target:
            arriving[projection.source][f"back_{name}"] = (name, projection.target, True)
    parts = [_head(network, simulation, trial)]
    for layer in network.layers:
        if layer == network.input_layer and network.neuron(layer) is None:
            parts.append(_clamped(layer, sent, trial.inputs))
        else:
            parts.append(_layer(network, simulation, layer, list(arriving[layer]), trial))
    parts += [_matrix(name, params[name]) for name in network.projections]
    moving = [layer for layer in network.layers if layer != network.input_layer]
    parts.append(
        "synapses = [\n"
        + "".join(
            f"    connected({source!r}, {layer!r}, {sent!r}, {into!r}, weights[{name!r}]{'.T' if back else ''}),\n"
            for layer in moving
            for into, (name, source, back) in arriving[layer].items()
        )
        + "]\n"
    )
    readout = simulation.population(network.output_layer).readout
    parts.append(_pull(network, readout, trial))
    states = {layer: network.neuron(layer).state for layer in moving}  # type: ignore[union-attr]
    phases = ",\n    ".join(map(repr, trial.phases))
    parts.append(END.format(states=states, phases=phases, output=network.output_layer, readout=readout))
    return "\n".join(parts)


def check(network: Network) -> None:
    """Refuse a network that a script cannot hold.

    Raises
    ------
    SpecError
        If it is a circuit, or has noise, delays, kernels, synapses or nudges of a kind that the script does not have.
    """
    if network.kind.hardware:
        raise SpecError(
            f"{network.where}: substrate '{network.substrate_name}' is made of hardware, which a script of Brian2 does "
            "not hold; write a circuit with --to spice."
        )
    for layer in network.layers:
        model = network.neuron(layer)
        if model is not None and (model.random or model.vector):
            what = "draws random numbers" if model.random else "sends several components"
            raise SpecError(f"{model.where}: {what}, which a script of Brian2 does not hold; choose another neuron.")
    for name, projection in network.projections.items():
        plain = network.synapse(name).transmission in ("w*activity_pre", "w*spike_pre")
        if not plain or projection.delay or projection.kind == "conv":
            raise SpecError(
                f"{network.where}: projections.{name} has a delay, a kernel or a transmission other than "
                "w*activity_pre and w*spike_pre, which a script of Brian2 does not hold."
            )
    if network.nudge not in ("state", "held_current"):
        raise SpecError(
            f"{network.where}: the nudge is '{network.nudge}'; a script of Brian2 holds 'state' and 'held_current'."
        )
    if network.phases.cost not in GRADIENTS:
        raise SpecError(
            f"{network.where}: the cost is {network.phases.cost!r}; a script of Brian2 holds {' and '.join(GRADIENTS)}."
        )


def _head(network: Network, simulation: Simulation, trial: Trial) -> str:
    about = "".join(f"# {line.encode('ascii', 'backslashreplace').decode()}\n" for line in map(_one_line, trial.about))
    return HEAD.format(about=about, dt=simulation.dt, dtype=network.physics.precision)


def _one_line(text: str) -> str:
    """Return a text whose characters that are not printed are escaped, line ends among them."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _clamped(layer: str, sent: str, inputs: Array) -> str:
    """Return an input layer that sends values."""
    return f'layers[{layer!r}] = b2.NeuronGroup({len(inputs)}, "{sent} : 1 (constant)", dtype=DTYPE)\n' + _set(
        layer, sent, inputs
    )


def _layer(network: Network, simulation: Simulation, layer: str, arriving: list[str], trial: Trial) -> str:
    """Return a layer of units with their start values."""
    population = simulation.population(layer)
    model, code = population.model, population.code
    equations = code.equations()
    if arriving and population.exposes_drive:
        raise SpecError(
            f"{model.where}: sends what it computes from the drive, which a script of Brian2 does not hold; choose "
            "another neuron."
        )
    if arriving:
        sums = "".join(f"\n{name} : 1" for name in arriving)
        equations = re.sub(r"^drive : 1$", f"drive = {' + '.join(arriving)} : 1{sums}", equations, flags=re.MULTILINE)
    after = [_short(line.replace("bounded(", "clip(")) for line in code.after_step()]
    arguments = {"method": repr(model.method), "namespace": _namespace(code, population), "dtype": "DTYPE"}
    if model.emits == "spikes":
        after.append("spike = 0")
        reset = "\n".join(filter(None, [f"spike = {population.spike_value!r}", code.reset]))
        arguments |= {"threshold": _code(code.threshold or ""), "reset": _code(reset)}
        if model.refractory is not None:
            arguments["refractory"] = _time(model.refractory)
    shown = "".join(f"    {name}={text},\n" for name, text in arguments.items())
    size = network.layers[layer].size
    lines = [f"layers[{layer!r}] = b2.NeuronGroup(\n    {size},\n    {_code(equations)},\n{shown})"]
    if after:
        lines.append(f'layers[{layer!r}].run_regularly({_code(chr(10).join(after))}, when="after_groups")')
    starts = dict(trial.rest[layer]) | population.constants_of(layer)
    starts |= {name: population.view(name, layer)[0] for name in ("bias", "unit", *STRENGTHS) if population.reads(name)}
    if layer == network.input_layer:
        starts["drive"] = trial.inputs
    return "\n".join(lines) + "\n" + "".join(_set(layer, name, value) for name, value in starts.items())


def _namespace(code: UnitCode, population: Population) -> str:
    """Return the constants that equations name."""
    unit_rate = population.group.namespace["unit_rate"]
    values = {"unit_rate": Physical(float(unit_rate), (0, 0, -1, 0, 0, 0, 0))}
    for name, value in code.model.parameters.items():
        values[name] = physical(value) if isinstance(value, str) else Physical(float(value), (0,) * 7)
    return "{\n" + "".join(f"        {name!r}: {_quantity(value)},\n" for name, value in values.items()) + "    }"


def _quantity(value: Physical) -> str:
    """Return a physical value as an expression."""
    if not any(value.dimension):
        return repr(value.value)
    return repr(value.value) + "*" + re.sub(r"[a-z]+", r"b2.\g<0>", _short(unit_text(value.dimension)))


def _short(text: str) -> str:
    """Return code in which units of their own name stand for products of base units."""
    for dimension, name in NAMED.items():
        text = re.sub(rf"{re.escape(unit_text(dimension))}(?![\d.])", name, text)
    return text


def _time(text: str) -> str:
    """Return a refractory time, or the text of the expression that says when it is over."""
    try:
        return _quantity(physical(text))
    except SpecError:
        return _code(text)


def _set(layer: str, name: str, values: Array) -> str:
    """Return the line that sets a variable of a layer, in SI units; nothing for zeros."""
    if not values.any():
        return ""
    same = (values == values[0]).all()
    text = repr(float(values[0])) if same else f"np.array([\n{_numbers(values)}\n])"
    return f"layers[{layer!r}].{name}_ = {text}\n"


def _matrix(name: str, weights: Array) -> str:
    rows = "".join(f"    [\n{indent(_numbers(row), '    ')}\n    ],\n" for row in weights)
    return f"weights[{name!r}] = np.array([\n{rows}])\n"


def _numbers(values: Iterable[Any]) -> str:
    """Return numbers, from which their bits are read back, in lines."""
    return fill(", ".join(repr(float(value)) for value in values), 112, initial_indent="    ", subsequent_indent="    ")


def _code(text: str) -> str:
    """Return code of a model as a string: in lines if it is plain, and otherwise with escapes."""
    if "\n" in text and PLAIN.fullmatch(text):
        return f'"""\n{text}\n"""'
    return repr(text)


def _pull(network: Network, readout: str, trial: Trial) -> str:
    gradient = GRADIENTS[network.phases.cost].format(temperature=float(network.phases.temperature))
    held = network.nudge == "held_current"
    target = ", ".join(repr(float(value)) for value in trial.target)
    return PULL.format(gradient=gradient, held=held, target=target, output=network.output_layer, readout=readout)
