"""A resistor network in time: the same circuit as Brian2 equations, with a capacitor at every node.

    C dv/dt = sum g (u - v) - i_diode(v) + I + nudge

Its fixed point is the operating point. Resistors may learn in place, dg/dt = -gain/2 d(u - v)^2/dt while outputs are
nudged. The step follows the fastest node, so this is for small networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuroeq.contract import Cost, Equilibrium, Nudge, Params, Stop
from neuroeq.describe.catalog import load_model
from neuroeq.describe.network import nodes
from neuroeq.describe.spec import Network, NeuronModel, Substrate, SynapseModel
from neuroeq.describe.spec.recipe import Relaxation
from neuroeq.errors import SpecError

from ..circuits.assembly import assemble
from ..circuits.circuit import Circuit, Drive, Layer
from ..circuits.diodes import IdealDiode
from ..circuits.equations import drive_circuit
from ..circuits.layout import at_outputs, check_layout, lay_out, read_outputs, source_voltages
from ..circuits.stability import stability_limit
from ..engine import Simulation
from .neurons import NeuronSubstrate
from .resistive import blocking
from .suited import PAIRED

Array = np.ndarray
SAFETY = 0.4
"""Step over a lower bound of the fastest time constant."""
HEADROOM = 1.5
"""By how much nodes may become faster before the step is chosen anew; steps stay stable well beyond."""
MOST_STEPS = 200_000
"""Where phases last a time of another substrate's scale, and so until they are settled."""
SETTLED = 1e-9
"""Residual where none is asked for: the fastest change times the slowest node's time constant. [V]"""


class ResistiveInTime(NeuronSubstrate):
    """The resistor network of a network that was resolved for it, in volts, siemens and farads.

    Parameters
    ----------
    network, params, batch, options
        As of `NeuronSubstrate`.

    Raises
    ------
    SpecError
        If the circuit has no such equations here.
    """

    def __init__(self, network: Network, params: Params, batch: int, **options: Any) -> None:
        _check(network)
        self._options, self.circuit, self._in_volts = options, lay_out(network), lay_out(network, in_volts=True)
        super().__init__(network, params, batch, **options)
        self._scaled: tuple[Params, Params] = ({}, {})

    @property
    def weights(self) -> Params:
        """What the simulation multiplies with: conductances [S], and bias currents [A].

        Within a layer the resistors g_ij and g_ji stand side by side.
        """
        if self._scaled[0] is not self.params:
            unit = self.network.circuit
            scale = {True: self.network.g_unit, False: self.network.g_unit * unit.v_unit}
            scaled = {name: value * scale[name in self.network.projections] for name, value in self.params.items()}
            for name, ends in self.network.projections.items():
                if ends.source == ends.target:
                    scaled[name] = scaled[name] + scaled[name].T
            self._scaled = (self.params, scaled)
        return self._scaled[1]

    def _simulated(self) -> Network:
        return _in_time(self.network, self._in_volts, self.params)

    def stop(self, relaxation: Relaxation) -> Stop:
        """Return when a phase ends: after a number of steps, or once it is settled."""
        if relaxation.counted:
            return Stop(relaxation.n_steps(1.0), relaxation.tolerance)
        return Stop(MOST_STEPS, relaxation.tolerance or SETTLED)

    def relax(
        self,
        inputs: Array,
        nudge: Nudge | None = None,
        start: Any = None,
        *,
        stop: Stop,
        **others: Any,
    ) -> Equilibrium:
        """Let the circuit settle; the arguments are those of `NeuronSubstrate.relax`, in the network's units."""
        if start is None:
            self._keep_up()
        volt = self.network.circuit.v_unit
        sources = source_voltages(self.network, inputs) * volt
        eq = super().relax(sources, nudge and self._nudge(nudge), start, stop=stop, **others)
        state = {layer: voltages / volt for layer, voltages in eq.state.items()}
        return replace(eq, state=state, outputs=read_outputs(self.network, eq.outputs / volt))

    def saturation(self, eq: Equilibrium) -> dict[str, tuple[float, float]]:
        """Return, by layer, the fraction of nodes whose diodes block; none is stuck at a top."""
        return blocking(self.circuit, eq.state)

    def margin(self, free: Equilibrium) -> float:
        """Return the largest stable |beta| of a negative nudge, the least over the batch; infinite for a current."""
        if self.network.nudge == "held_current":
            return float("inf")
        volt, source = self.network.circuit.v_unit, self.network.input_layer
        g = {name: self.params[name] for name in self.network.projections}
        assembly = assemble(self.circuit, g, {source: free.activity[source] / volt})
        equations = drive_circuit(assembly, Drive(assembly.sources))
        return float(stability_limit(equations, free.state, self.network.output_layer).min())

    def energy_contrast(self, weighted: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Return the sum of weights times dP/dg = 1/2 <(u - v)^2>, at equilibria of the same inputs."""
        raise SpecError(
            f"{self.network.where}: training.learning is 'contrastive' with --engine stepper on a resistor network; "
            "use 'in_situ', which takes place in time, or the operating_point engine."
        )

    def shaped(self, change: Params) -> Params:
        """Return a change, which synapses accumulate in squared volts, in the network's units."""
        scale = 1 / self.network.circuit.v_unit**2
        return {name: value * scale for name, value in super().shaped(change).items()}

    def _keep_up(self) -> None:
        """Take smaller steps once learning has made nodes faster than the step allows."""
        fast, _ = _time_constants(self.network, self._in_volts, self.params)
        if self.simulation.dt > SAFETY * HEADROOM * fast:
            self.simulation = Simulation(self._simulated(), self.batch, **self._options)

    def _nudge(self, nudge: Nudge) -> Nudge:
        """Return a nudge of the nodes, in amperes, for one of the outputs in the network's units."""
        reference = nudge.reference
        if reference is not None:
            volts = reference.state[self.network.output_layer] * self.network.circuit.v_unit
            reference = replace(reference, outputs=volts)
        cost = NodeCost(nudge.cost, self.network)
        targets = at_outputs(self.network, nudge.targets)
        unit = self.network.circuit
        return Nudge(nudge.beta * self.network.g_unit * unit.v_unit, targets, cost, nudge.mode, reference)


@dataclass(frozen=True)
class NodeCost:
    """A cost of the outputs, as a cost of the node voltages, in volts, that they are read from.

    Parameters
    ----------
    cost
        Of the outputs.
    network
        Says how they are read.
    """

    cost: Cost
    network: Network

    def value(self, outputs: Array, targets: Array) -> Array:
        """Return the cost of each sample: (batch,)."""
        return self.cost.value(*self._read(outputs, targets))

    def gradient(self, outputs: Array, targets: Array) -> Array:
        """Return dC/dnodes: (batch, n_nodes)."""
        return at_outputs(self.network, self.cost.gradient(*self._read(outputs, targets)))

    def _read(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        volts = read_outputs(self.network, outputs)
        return volts / self.network.circuit.v_unit, targets[:, : self.network.layers[self.network.output_layer].size]


def _check(network: Network) -> None:
    hardware = network.technology
    check_layout(network)
    if hardware.neuron.amplifier is not None:
        raise SpecError(
            f"{network.where}: {hardware.where} has amplifiers, whose circuit is solved for its operating point only; "
            "use --engine operating_point or --ideal amplifiers."
        )
    if network.nudge == "state" and network.circuit.outputs == "paired":
        raise SpecError(PAIRED.format(network.where))
    _check_converters(network)
    if network.nudge not in ("state", "held_current"):
        raise SpecError(
            f"{network.where}: phases.nudge is '{network.nudge}'; in time expected 'state' or 'held_current'."
        )
    if any(layer.bias for layer in network.layers.values() if layer.role != "input"):
        raise SpecError(
            f"{network.where}: layers have biases, which are currents and no resistors that learn in time; set "
            "layers.*.bias = false and use circuit.bias_voltages."
        )


def _check_converters(network: Network) -> None:
    array, periphery = network.technology.array, network.technology.periphery
    asked = {
        "array": array.wired or array.phase_mismatch,
        "periphery": periphery.dac_bits or periphery.adc_bits or periphery.adc_noise_sd or periphery.adc_offset_sd,
        "periphery.nudge": periphery.nudge.bits or periphery.nudge.i_max or periphery.nudge.offset_sd,
    }
    for part, given in asked.items():
        if given:
            raise SpecError(
                f"{network.technology.where}: {part} is not ideal, which is solved for operating points only; use "
                "--engine operating_point, or --ideal array,periphery."
            )


def _in_time(network: Network, circuit: Circuit, params: Params) -> Network:
    """Return the circuit as a network of nodes that the engine can run."""
    if not all(params[name].any() for name in network.projections):
        raise SpecError(f"{network.where}: all conductances of a projection are 0, so nodes float; start above 0.")
    fast, slow = _time_constants(network, circuit, params)
    models = {name: _node(network, layer, fast, slow) for name, layer in circuit.layers.items()}
    layers = {
        name: layer.model_copy(update={"size": nodes(network, name), "neuron": models.get(name)})
        for name, layer in network.layers.items()
    }
    synapse = load_model(SynapseModel, "resistor")
    output = models[network.output_layer]
    physics = Substrate(neuron=output, synapse=synapse, dt=output.model_dump()["dt"])
    return network.model_copy(update={"layers": layers, "substrate": {"rate": physics}, "hardware": None})


def _time_constants(network: Network, circuit: Circuit, params: Params) -> tuple[float, float]:
    """Return a bound of the fastest and the slowest node's time constant [s]: a conducting diode is fast."""
    unit, hardware = network.circuit, network.technology
    sums: dict[str, Array] = {}
    for name, projection in network.projections.items():
        g = params[name] * network.g_unit
        for layer, total in ((projection.source, g.sum(axis=1)), (projection.target, g.sum(axis=0))):
            sums[layer] = sums.get(layer, 0.0) + total
    moving = np.concatenate([total for layer, total in sums.items() if layer != network.input_layer])
    swing = unit.v_unit * max(unit.input_gain, *map(abs, unit.bias_voltages), 0.0)
    conductance = float(moving.max())
    steepest = max((layer.diode.stiffness(swing, conductance) for layer in circuit.layers.values()), default=1.0)
    capacitance = hardware.neuron.c_node
    return float(capacitance / (moving.max() * steepest)), float(capacitance / moving[moving > 0].min())


def _node(network: Network, layer: Layer, fast: float, slow: float) -> NeuronModel:
    """Return the equation of a layer's nodes."""
    lower, upper = (
        _side(np.isfinite(np.broadcast_to(layer.low, layer.size))),
        _side(np.isfinite(np.broadcast_to(layer.high, layer.size))),
    )
    low, high = (float(np.max(np.where(np.isfinite(v), v, -np.inf), initial=-np.inf)) for v in (layer.low, layer.high))
    biases = {"V_low": low if lower != "0" else 0.0, "V_high": high if upper != "0" else 0.0}
    ideal = isinstance(layer.diode, IdealDiode)
    through = layer.diode.expression()
    terms = (
        []
        if through is None
        else [
            f" - {upper}*({through.text.replace('DROP', '(v - V_high)')})",
            f" + {lower}*({through.text.replace('DROP', '(V_low - v)')})",
        ]
    )
    clip = f"v = clip(v, V_low - far*(1 - {lower}), V_high + far*(1 - {upper}))"
    values = {"C_node": network.technology.neuron.c_node, "slow": slow, **biases}
    units = {"C_node": "F", "slow": "s", "V_low": "V", "V_high": "V"}
    constants = {} if through is None else through.constants
    return NeuronModel(
        name="node",
        title="Node of a resistor network, with a capacitor to ground",
        emits="rate",
        equations=f"dv/dt = ((drive + bias + nudge)*amp{''.join(terms)})/C_node : volt\nvoltage = v/volt : 1",
        state="v",
        activity="voltage",
        time_constant="slow",
        after_step=clip if ideal else "",
        dt=f"{SAFETY * fast!r} s",  # type: ignore[arg-type]
        parameters={**{name: f"{value!r} {units[name]}" for name, value in values.items()}, **constants, "far": "1 GV"},
    )


def _side(there: Array) -> str:
    """Return an expression that is 1 for the units that have a diode on this side: all, none, or one end of them."""
    count = int(there.sum())
    if count in (0, len(there)):
        return "1" if count else "0"
    return f"int(unit < {count})" if there[0] else f"int(unit >= {len(there) - count})"
