"""A resistor network in time, as Brian2 equations of the same circuit with a capacitor at every node.

    C dv/dt = sum g (u - v) - i_diode(v) + I + nudge

Its fixed point is the operating point. Resistors can learn in situ, by dg/dt = -gain/2 d(u - v)^2/dt while outputs
are nudged. The fastest node sets the time step, so this is for small networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuroeq.contract import Circuit, Equilibrium, Nudge, Params, Stop, Trial
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.recipe import Relaxation
from neuroeq.errors import SpecError

from ..circuits.assembly import assemble
from ..circuits.circuit import Drive
from ..circuits.layout import at_outputs, check_layout, lay_out, read_outputs, source_voltages
from ..engine import Recording, Simulation
from .compatibility import PAIRED
from .neurons import NeuronSubstrate
from .node_cost import NodeCost
from .node_equations import SAFETY, in_time, time_constants
from .nudged_circuit import largest_nudge
from .operating_point import at_operating_point
from .operating_points import blocking
from .resistive import Resistive

Array = np.ndarray
HEADROOM = 1.5
"""The factor by which nodes may become faster before a new step is chosen; steps are stable well beyond it."""
MOST_STEPS = 200_000
"""The largest number of steps if the file gives phases a duration on the time scale of another substrate."""
SETTLED = 1e-9
"""The default residual: the fastest change times the time constant of the slowest node [`v_unit`]."""


class ResistiveInTime(NeuronSubstrate):
    """The substrate of a network that was resolved for a resistor network, in volts, siemens and farads.

    Parameters
    ----------
    network, params, batch, options
        The same as for `NeuronSubstrate`.

    Raises
    ------
    SpecError
        If the circuit cannot be simulated in time.
    """

    def __init__(self, network: Network, params: Params, batch: int, **options: Any) -> None:
        _check(network)
        self._options, self.circuit, self._in_volts = options, lay_out(network), lay_out(network, in_volts=True)
        super().__init__(network, params, batch, **options)
        self._scaled: tuple[Params, Params] = ({}, {})

    @property
    def reusable(self) -> bool:
        """Return False, since the time step follows from the weights."""
        return False

    @property
    def weights(self) -> Params:
        """The weights that the synapses transmit with: conductances [S], and bias currents [A].

        Within a layer the resistors g_ij and g_ji are parallel, so they are added.
        """
        if self._scaled[0] is not self.params:
            unit = self.network.g_unit
            scale = {True: unit, False: unit * self.network.v_unit}
            scaled = {name: value * scale[name in self.network.projections] for name, value in self.params.items()}
            for name, ends in self.network.projections.items():
                if ends.source == ends.target:
                    scaled[name] = scaled[name] + scaled[name].T
            self._scaled = (self.params, scaled)
        return self._scaled[1]

    def _simulated(self) -> Network:
        return in_time(self.network, self._in_volts, self.params)

    def stop(self, relaxation: Relaxation) -> Stop:
        """Return the stopping criterion of a phase: a number of steps, or a small residual."""
        if relaxation.counted:
            return Stop(relaxation.n_steps(1.0), self._volts(relaxation.tolerance))
        return Stop(MOST_STEPS, self._volts(relaxation.tolerance or SETTLED))

    def _volts(self, tolerance: float | None) -> float | None:
        return None if tolerance is None else tolerance * self.network.v_unit

    def relax(
        self,
        inputs: ArrayLike,
        nudge: Nudge | None = None,
        start: Any = None,
        *,
        stop: Stop | None = None,
        **others: Any,
    ) -> Equilibrium:
        """Let the circuit settle; the arguments are those of `NeuronSubstrate.relax`, in the network's units."""
        inputs, nudge, start, stop = self._phase(inputs, nudge, start, stop)
        if start is None:
            self._keep_up()
        volt = self.network.v_unit
        sources = source_voltages(self.network, inputs) * volt
        eq = super().relax(sources, nudge and self._nudge(nudge), start, stop=stop, **others)
        state = {layer: voltages / volt for layer, voltages in eq.state.items()}
        return replace(eq, state=state, outputs=read_outputs(self.network, eq.outputs / volt))

    def saturation(self, eq: Equilibrium) -> dict[str, tuple[float, float]]:
        """Return, by layer, the fraction of nodes whose diodes block, and 0, since none is stuck at an upper bound."""
        return blocking(self.circuit, eq.state)

    def margin(self, free: Equilibrium) -> float:
        """Return the largest stable |beta| of a negative nudge, the least over the batch; infinite for other modes."""
        volt, source = self.network.v_unit, self.network.input_layer
        g = {name: self.params[name] for name in self.network.projections}
        assembly = assemble(self.circuit, g, {source: free.activity[source] / volt})
        return largest_nudge(self.network, assembly, Drive(assembly.sources), free.state)

    def record(self, trial: Trial) -> Recording:
        """Return the phases of one trial in time, as the circuit settles from each operating point to the next."""
        return self.as_circuit().record(trial)

    def as_circuit(self) -> Circuit:
        """Return the same circuit as a substrate that solves for its operating points."""
        return Resistive(at_operating_point(self.network), self.params, self.batch)

    def as_field(self) -> None:
        """Return None, since nodes obey Kirchhoff's current law and have no vector field of rates."""

    def energy_contrast(self, weighted: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Raise an error, since a circuit in time learns in situ.

        Raises
        ------
        SpecError
            Always.
        """
        raise SpecError(
            f"{self.network.where}: training.learning is 'contrastive' with --engine stepper on a resistor network; "
            "use 'in_situ', which takes place in time, or the operating_point engine."
        )

    def shaped(self, change: Params) -> Params:
        """Return a change, which the synapses accumulate in squared volts, in the network's units."""
        scale = 1 / self.network.v_unit**2
        return {name: value * scale for name, value in super().shaped(change).items()}

    def _keep_up(self) -> None:
        """Choose a smaller time step if learning has made nodes too fast for the present one."""
        fast, _ = time_constants(self.network, self._in_volts, self.params)
        if self.simulation.dt > SAFETY * HEADROOM * fast:
            self.simulation = Simulation(self._simulated(), self.batch, **self._options)

    def _nudge(self, nudge: Nudge) -> Nudge:
        """Return the nudge of the nodes, in amperes, from that of the outputs, in the network's units."""
        reference = nudge.reference
        if reference is not None:
            volts = reference.state[self.network.output_layer] * self.network.v_unit
            reference = replace(reference, outputs=volts)
        cost = NodeCost(nudge.cost, self.network)
        targets = at_outputs(self.network, nudge.targets)
        return Nudge(nudge.beta * self.network.g_unit * self.network.v_unit, targets, cost, nudge.mode, reference)


def _check(network: Network) -> None:
    hardware = network.technology
    check_layout(network)
    if hardware.neuron.amplifier is not None:
        raise SpecError(
            f"{network.where}: {hardware.where} has amplifiers, whose circuit is solved for operating points only; "
            "use --engine operating_point or --ideal amplifiers."
        )
    if network.convolutions:
        raise SpecError(
            f"{network.where}: projections.{network.convolutions[0]} is a convolution of resistors, "
            "which is solved for operating points only; use --engine operating_point, or kind = 'dense'."
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
            f"{network.where}: layers have biases, which are currents and do not learn in time; set "
            "layers.*.bias = false and use circuit.bias_voltages."
        )


def _check_converters(network: Network) -> None:
    array, periphery = network.technology.array, network.technology.periphery
    wired = any(network.array(name).array.wired for name in network.projections)
    imperfections = {
        "array": wired or array.phase_mismatch,
        "periphery": periphery.dac_bits or periphery.adc_bits or periphery.adc_noise_sd or periphery.adc_offset_sd,
        "periphery.nudge": periphery.nudge.bits or periphery.nudge.i_max or periphery.nudge.offset_sd,
    }
    for part, imperfect in imperfections.items():
        if imperfect:
            raise SpecError(
                f"{network.technology.where}: {part} is not ideal, which only operating points take into account; use "
                "--engine operating_point, or --ideal array,periphery."
            )
