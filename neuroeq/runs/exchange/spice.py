"""A trained circuit as a SPICE netlist: one test sample, in the free phase or nudged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neuroeq.contract import Equilibrium, Nudge, Stop
from neuroeq.data import load
from neuroeq.data.examples import targets
from neuroeq.describe.spec import NeuronModel
from neuroeq.errors import SpecError
from neuroeq.learning.costs import cost_of
from neuroeq.physics.circuits.layout import in_siemens, lay_out
from neuroeq.physics.circuits.spice.netlist import netlist
from neuroeq.physics.circuits.spice.op_amp import OpAmps, op_amp_netlist
from neuroeq.physics.substrates import Crossbar, Resistive, at_operating_point, build
from neuroeq.physics.substrates.crossbar import differential_pair
from neuroeq.units import physical

from ..run import Run

Array = np.ndarray
BIAS = "bias source"
"""Cannot be the name of a layer."""
SETTLED = Stop(100_000, 1e-12)
"""When voltages that are compared with a simulator's stand still."""


def spice(run: Run, sample: int = 0, beta: float = 0.0) -> str:
    """Return the netlist of a run's circuit at the operating point of one sample.

    Parameters
    ----------
    run
        On a circuit.
    sample
        Which one of the test part, or of the training part where there is none.
    beta
        Nudge towards the sample's target, in the network's unit; 0 for the free phase.

    Raises
    ------
    SpecError
        If the run is on no circuit, or has no such sample.
    """
    if not np.isfinite(beta):
        raise SpecError(f"--beta is {beta}; expected a finite number.")
    network = at_operating_point(run.network)
    substrate = build(network, run.folder.load().params, 1, plastic=False, target="numpy")
    if not isinstance(substrate, Crossbar | Resistive):
        raise SpecError(
            f"{run.path}: substrate '{network.substrate_name}' is no circuit; run it on crossbar or resistive."
        )
    examples = load(network, Path(network.run.data_dir) if network.run.data_dir else None)
    part = examples.test or examples.train
    if not 0 <= sample < len(part):
        raise SpecError(f"{run.path}: sample is {sample}; expected 0 to {len(part) - 1}, what the data set has.")
    inputs, labels = part.take(np.array([sample]), "float64")
    wanted = targets(labels, examples.n_classes, network.data.targets)
    free = eq = substrate.relax(inputs, stop=SETTLED)
    if beta:
        nudge = Nudge(beta, wanted, cost_of(network.phases), network.nudge, free)
        eq = substrate.relax(inputs, nudge, free.resume, stop=SETTLED)
    phase = "free phase" if not beta else f"nudged, beta {beta:g}"
    title = f"{network.title}: {network.substrate_name}, seed {network.run.seed}, sample {sample}, {phase}"
    voltages = "; ".join(
        f"{layer} {' '.join(f'{v:.9g}' for v in _volts(substrate, state)[0])}" for layer, state in eq.state.items()
    )
    header = [f"hardware: {substrate.hardware.title}", f"voltages found here [V]: {voltages}"]
    if isinstance(substrate, Crossbar):
        if substrate.hardware.neuron.integrator.gain is not None:
            raise SpecError(
                f"{run.path}: has neuron.integrator.gain, and netlists have ideal op-amps; export a run without it."
            )
        pull = -beta * cost_of(network.phases).gradient(free.outputs, wanted)[0]
        nudged = (beta, wanted[0]) if network.nudge == "state" else (0.0, pull)
        return _crossbar(substrate, inputs[0], nudged, free.state if beta else {}, title, header)
    return _resistive(substrate, eq, title, header)


def _volts(substrate: Crossbar | Resistive, state: Array) -> Array:
    return state * substrate.network.circuit.v_unit if isinstance(substrate, Resistive) else state


def _resistive(substrate: Resistive, eq: Equilibrium, title: str, header: list[str]) -> str:
    network, drive = substrate.network, eq.resume.drive
    unit = network.circuit
    ampere = unit.v_unit * network.g_unit
    real = type(drive)(
        sources={name: values * unit.v_unit for name, values in drive.sources.items()},
        currents={name: values * ampere for name, values in drive.currents.items()},
        pulls={name: (pull * network.g_unit, values * unit.v_unit) for name, (pull, values) in drive.pulls.items()},
        held={name: values * unit.v_unit for name, values in drive.held.items()},
    )
    g = in_siemens(network, substrate.params)
    capacitance = network.technology.neuron.c_node
    circuit = lay_out(network, in_volts=True)
    return netlist(circuit, g, real, title=title, header=header, capacitance=capacitance)


def _crossbar(
    substrate: Crossbar,
    inputs: Array,
    nudge: tuple[float, Array],
    start: Mapping[str, Array],
    title: str,
    header: list[str],
) -> str:
    network, hardware = substrate.network, substrate.hardware
    scale, rails = hardware.neuron.integrator.v_scale, {}
    sizes = {name: layer.size for name, layer in network.layers.items()}
    for layer in network.layers:
        model = network.neuron(layer)
        if model is not None:
            rails[layer] = _rails(model)
    pairs = {}
    for name, projection in network.projections.items():
        plus, minus = differential_pair(hardware, substrate.params[name])
        pairs[name] = (projection.source, projection.target, plus, minus)
        if network.symmetric(name) and projection.source != projection.target:
            pairs[f"{name} back"] = (projection.target, projection.source, plus.T, minus.T)
    sources = {network.input_layer: inputs * scale}
    for layer in rails:
        if network.layers[layer].bias:
            plus, minus = differential_pair(hardware, substrate.params[f"{layer}.bias"])
            sizes[BIAS], sources[BIAS] = 1, np.array([scale])
            pairs[f"{layer} bias"] = (BIAS, layer, plus[None], minus[None])
    circuit = OpAmps(hardware.r_f, hardware.neuron.integrator.c_f, sizes, rails, pairs)
    beta, towards = nudge
    pulls = {network.output_layer: (beta, towards * scale)} if beta else {}
    held = {} if beta or not start else {network.output_layer: towards * scale / hardware.r_f}
    begin = {layer: voltages[0] for layer, voltages in start.items()}
    return op_amp_netlist(circuit, sources, pulls, begin, held, title=title, header=header)


def _rails(model: NeuronModel) -> tuple[float, float]:
    """Return the voltages that an integrator is kept between."""
    if model.activity != "s":
        raise SpecError(
            f"{model.where}: its activity is {model.activity}; a netlist needs an amplifier that says its own voltage, "
            "such as that of 'hard_sigmoid'."
        )
    interval = model.bounds.get(model.state)
    low = -np.inf if interval is None or interval.min is None else physical(str(interval.min)).value
    high = np.inf if interval is None or interval.max is None else physical(str(interval.max)).value
    return low, high
