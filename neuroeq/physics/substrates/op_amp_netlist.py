"""A crossbar with its op-amp integrators as a SPICE netlist: its devices, rails, sources, and what a nudge adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from neuroeq.contract import Circuit, Nudge
from neuroeq.describe.operators import operators
from neuroeq.describe.spec import NeuronModel
from neuroeq.errors import SpecError

from ..circuits.spice.op_amp import OpAmps, op_amp_netlist
from .free_units import interval

Array = np.ndarray
BIAS = "bias source"
"""The name of the source of the biases, which no layer can have."""


class OfPairs(Circuit, Protocol):
    """A circuit with differential pairs of devices, and perhaps current mirrors, between its op-amps."""

    def pair(self, name: str) -> tuple[Array, Array]:
        """Return G+ and G- of an array, of the shape of its weights [S]."""
        ...

    def mirror(self, name: str) -> float:
        """Return the ratio of the current mirrors between an array and the op-amps."""
        ...

    def bias_volts(self, name: str) -> float:
        """Return the voltage of the source that drives biases [V]."""
        ...


def crossbar_netlist(
    crossbar: OfPairs, inputs: Array, nudge: Nudge | None, *, title: str, header: Sequence[str]
) -> str:
    """Return the netlist of one sample.

    Parameters
    ----------
    crossbar
        The crossbar, with the weights that its pairs of devices hold.
    inputs
        The inputs of the sample, (n_input,).
    nudge
        The nudge of a batch of one sample, whose reference is the free equilibrium that it starts from; None in the
        free phase.
    title, header
        The first lines of the netlist.

    Raises
    ------
    SpecError
        If the op-amps have a finite gain, or an amplifier's output is not its own voltage.
    """
    network, hardware = crossbar.network, crossbar.hardware
    if hardware.neuron.integrator.gain is not None:
        raise SpecError(
            f"{hardware.where}: has neuron.integrator.gain, and netlists have ideal op-amps; export a run without it."
        )
    scale = hardware.neuron.integrator.v_scale
    circuit, sources = _op_amps(crossbar, inputs)
    pulls, held, begin = {}, {}, {}
    if nudge is not None:
        assert nudge.reference is not None
        output, begin = network.output_layer, {layer: v[0] for layer, v in crossbar.voltages(nudge.reference).items()}
        if nudge.mode == "state":
            pulls = {output: (nudge.beta, nudge.targets[0] * scale)}
        else:
            pull = -nudge.beta * nudge.cost.gradient(nudge.reference.outputs, nudge.targets)[0]
            held = {output: pull * scale / hardware.r_f}
    return op_amp_netlist(circuit, sources, pulls, begin, held, title=title, header=list(header))


def _op_amps(crossbar: OfPairs, inputs: Array) -> tuple[OpAmps, dict[str, Array]]:
    """Return the integrators with the pairs between them, and the voltages of the sources [V]."""
    network, hardware = crossbar.network, crossbar.hardware
    sizes = {name: layer.size for name, layer in network.layers.items()}
    rails = {layer: _rails(model) for layer in network.layers if (model := network.neuron(layer)) is not None}
    pairs, maps = {}, operators(network)
    for name, projection in network.projections.items():
        plus, minus = (maps[name].matrix(crossbar.mirror(name) * g) for g in crossbar.pair(name))
        pairs[name] = (projection.source, projection.target, plus, minus)
        if network.symmetric(name) and projection.source != projection.target:
            pairs[f"{name} back"] = (projection.target, projection.source, plus.T, minus.T)
    sources = {network.input_layer: inputs * hardware.neuron.integrator.v_scale}
    volts = {layer: crossbar.bias_volts(f"{layer}.bias") for layer in rails if network.layers[layer].bias}
    for layer, volt in volts.items():
        bias = f"{layer}.bias"
        plus, minus = (maps[bias].incoming(crossbar.mirror(bias) * g)[None] for g in crossbar.pair(bias))
        source = BIAS if len(set(volts.values())) == 1 else f"{layer} {BIAS}"
        sizes[source], sources[source] = 1, np.array([volt])
        pairs[f"{layer} bias"] = (source, layer, plus, minus)
    return OpAmps(hardware.r_f, hardware.neuron.integrator.c_f, sizes, rails, pairs), sources


def _rails(model: NeuronModel) -> tuple[float, float]:
    """Return the voltages of the two rails of an integrator [V]."""
    if model.activity != "s":
        raise SpecError(
            f"{model.where}: its activity is {model.activity}; a netlist needs an amplifier that outputs its own "
            "voltage, such as that of 'hard_sigmoid'."
        )
    return interval(model)
