"""A network as programmable resistors, diodes and amplifiers, solved for its operating point.

Kirchhoff's laws do the inference. The co-content P(v) takes the place of the energy, and dP/dg = 1/2 (v_i - v_j)^2.
Outputs are nudged by a conductance to the target, by a current, or by holding them (coupled learning).

Kendall et al. 2020, arXiv:2006.01981; Scellier 2024, arXiv:2402.11674; Stern et al. 2021, Phys. Rev. X 11:021045.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuroeq.contract import Circuit, Equilibrium, Nudge, Trial
from neuroeq.describe.spec import Hardware

from ..circuits.assembly import shown
from ..circuits.equations import drive_circuit
from ..circuits.power import Power, power
from ..circuits.settling import settle, slowest_mode
from ..engine.recording import Phase, Recording
from .operating_points import OperatingPoints
from .resistor_netlist import resistor_netlist
from .settled import Settled

Array = np.ndarray


class Resistive(OperatingPoints):
    """The substrate of a network that was resolved for a resistor network.

    Parameters
    ----------
    network
        The network, resolved for a resistor network.
    params
        Conductances (n_pre, n_post) by projection in the network's unit, or (channels after, channels before, k, k),
        and bias currents (n,), or (channels,); they are copied.
    batch
        The number of samples that evaluation relaxes at a time; a relaxation takes any number.

    Raises
    ------
    SpecError
        If the network asks for something that such a circuit cannot do.
    """

    @property
    def hardware(self) -> Hardware:
        """The hardware that it is made of."""
        return self.network.technology

    def power(self, eq: Equilibrium) -> Power:
        """Return the power that sources supply and elements dissipate at an equilibrium, in the network's units."""
        settled: Settled = eq.resume
        return power(drive_circuit(settled.assembly, settled.drive), settled.voltages)

    def dissipation(self, eq: Equilibrium, nudge: Nudge | None = None) -> dict[str, float | None]:
        """Return the mean power that each kind of element turns into heat at an equilibrium; None if not given [W].

        The nudge of an equilibrium is included; the power of a nudge of -beta, a negative conductance, is negative.
        """
        watt = self.network.v_unit**2 * self.network.g_unit
        dissipated = self.power(eq).dissipated
        watts: dict[str, float | None] = {kind: float(each.mean()) * watt for kind, each in dissipated.items()}
        amplifier = self.network.technology.neuron.amplifier
        if amplifier is not None:
            amplified = sum(layer.size for layer in self.circuit.layers.values() if layer.amplifier is not None)
            watts["amplifiers"] = None if amplifier.power is None else amplified * amplifier.power
        return watts

    def devices(self) -> dict[str, int]:
        """Return how many programmable devices there are, by array; none stands on the padding of a convolution."""
        there = {name: self._masks[name] for name in self.circuit.resistors}
        synapses = {name: self.circuit.operator(name).synapses for name in there}
        return {name: int(synapses[name][... if mask is None else mask].sum()) for name, mask in there.items()}

    def phase_time(self, eq: Equilibrium) -> float:
        """Return how long a phase is held: the time given, or that in which its slowest mode settles [s]."""
        periphery, settled = self.hardware.periphery, eq.resume
        if periphery.phase_time is not None:
            return periphery.phase_time
        slowest = slowest_mode(drive_circuit(settled.assembly, settled.drive)) * self.network.g_unit
        return periphery.time_constants * self.hardware.neuron.c_node / slowest

    def mapping(self) -> None:
        """Return None, since the parameters are the conductances, in the network's unit."""

    def voltages(self, eq: Equilibrium) -> dict[str, Array]:
        """Return the node voltages at an equilibrium, by layer: (batch, n), not as converters read them [V]."""
        settled: Settled = eq.resume
        return {layer: v * self.network.v_unit for layer, v in settled.voltages.items()}

    def driving(self, eq: Equilibrium) -> dict[str, Array]:
        """Return the voltages of sources, and of nodes behind their amplifiers, by layer: (batch, n) [V]."""
        settled: Settled = eq.resume
        behind = {name: shown(layer, settled.voltages[name]) for name, layer in self.circuit.layers.items()}
        sources = settled.assembly.sources
        return {name: v * self.network.v_unit for name, v in {**sources, **behind}.items()}

    def readings(self, eq: Equilibrium) -> dict[str, Array]:
        """Return the voltages of an equilibrium as converters read them, by layer: (batch, n) [V]."""
        return {layer: v * self.network.v_unit for layer, v in eq.state.items()}

    def netlist(
        self, inputs: Array, eq: Equilibrium, nudge: Nudge | None, *, title: str, header: Sequence[str] = ()
    ) -> str:
        """Return the SPICE netlist of the first sample, with the sources and the nudge that `eq` settled under."""
        return resistor_netlist(self.network, self.params, eq.resume.drive, title=title, header=header)

    def as_circuit(self) -> Circuit:
        """Return itself."""
        return self

    def record(self, trial: Trial) -> Recording:
        """Return the phases of one trial in time, as the circuit settles from each equilibrium to the next."""
        free, nudged_ends = trial.settle(self)
        phases = [self.settle(free, None, "free")]
        for end, beta in zip(nudged_ends, trial.betas, strict=True):
            phases.append(self.settle(end, free, f"nudged {beta:+g}", len(phases[0].t) // 2))
        return Recording(phases, free.outputs)

    def settle(self, eq: Equilibrium, start: Equilibrium | None, name: str, least: int = 1) -> Phase:
        """Return the phase in which the circuit settles from one equilibrium, or from 0 V, to another, in volts.

        Parameters
        ----------
        eq
            The equilibrium where the phase ends, with the sources and nudge that it ends under.
        start
            The equilibrium where the phase begins; None for 0 V at every node.
        name
            The name of the phase in records and figures, such as ``"free"``.
        least
            The smallest number of time points to return.
        """
        settled: Settled = eq.resume
        unit = self.network.v_unit
        begin = None if start is None else start.resume.voltages
        capacitance = self.network.technology.neuron.c_node / self.network.g_unit
        times, voltages = settle(settled.assembly, settled.drive, begin, capacitance, least=least)
        states = {layer: {"v": path * unit} for layer, path in voltages.items()}
        return Phase(name, times, states, {}, {}, {}, {"v": "V"})
