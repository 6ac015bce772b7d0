"""A network as programmable resistors, diodes and amplifiers, solved for its operating point.

Kirchhoff's laws do the inference; the co-content P(v) plays the energy, dP/dg = 1/2 (v_i - v_j)^2.
Outputs are nudged by a conductance to the target, by a current, or by holding them (coupled learning).

Kendall et al. 2020, arXiv:2006.01981; Scellier 2024, arXiv:2402.11674; Stern et al. 2021, Phys. Rev. X 11:021045.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuroeq.contract import Equilibrium, Nudge, Params, Stop
from neuroeq.describe.network import check_batch, mask
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.recipe import Relaxation
from neuroeq.errors import DataError, DivergenceError, SpecError

from ..circuits.assembly import Assembly, assemble
from ..circuits.circuit import Circuit, Drive
from ..circuits.crossbar import effective_conductance
from ..circuits.equations import drive_circuit
from ..circuits.gradient import amplifier_factors, contrast
from ..circuits.kirchhoff import co_content
from ..circuits.layout import at_outputs, check_layout, lay_out, read_outputs, source_voltages
from ..circuits.power import Power, power
from ..circuits.settling import settle
from ..circuits.solve import TOLERANCE, operating_point
from ..circuits.stability import stability_limit
from ..engine.recording import Phase
from .periphery import Periphery
from .suited import check_resistors
from .wiring import wires_of

Array = np.ndarray
MOST_STEPS = 500
"""Newton steps or sweeps, where phases last a time and so until they are settled."""


@dataclass(frozen=True)
class Settled:
    """Where a circuit stands, and under what.

    Parameters
    ----------
    voltages
        By layer: (batch, n). [v_unit]
    assembly, drive
        Its conductances and sources, and what else acts on it.
    """

    voltages: Mapping[str, Array]
    assembly: Assembly
    drive: Drive


class Resistive:
    """The resistor network of a network that was resolved for it.

    Parameters
    ----------
    network
        Resolved.
    params
        Conductances in the network's unit, and bias currents.
    batch
        Samples that evaluation passes at a time; a relaxation takes any number.

    Raises
    ------
    SpecError
        If the network asks for what such a circuit cannot do.
    """

    spiking = False

    def __init__(self, network: Network, params: Params, batch: int, **_: Any) -> None:
        check_layout(network)
        check_resistors(network)
        self.network, self.params, self.batch = network, params, batch
        self.hardware = network.technology
        self.circuit = lay_out(network)
        self._factors = amplifier_factors(self.circuit, network.output_layer)
        self._masks = {name: mask(network, name) for name in network.projections}
        self._assembled: dict[bool, tuple[Any, Any, Assembly]] = {}
        self._periphery, self._wires = Periphery(network), wires_of(network)

    def stop(self, relaxation: Relaxation) -> Stop:
        """Return when a phase ends: after a number of sweeps or Newton steps, or once it is settled."""
        if relaxation.counted:
            return Stop(relaxation.n_steps(1.0), relaxation.tolerance)
        return Stop(MOST_STEPS, relaxation.tolerance or TOLERANCE)

    def relax(
        self,
        inputs: Array,
        nudge: Nudge | None = None,
        start: Settled | None = None,
        *,
        stop: Stop,
        plasticity: Any = None,
        record: Any = None,
        rng: np.random.Generator | None = None,
    ) -> Equilibrium:
        """Solve for the operating point.

        Parameters
        ----------
        inputs
            (batch, n_input).
        nudge
            None in the free phase; beta is a conductance in the network's unit.
        start
            The `resume` of an equilibrium to begin from; 0 V if left out.
        stop
            Sweeps or Newton steps at most, and the residual to reach, as a fraction of the largest current.
        plasticity, record
            Not used: there is no time.
        rng
            Of noise in the readings.

        Raises
        ------
        DataError
            If inputs or targets have the wrong shape, or are not finite.
        DivergenceError
            If a nudge is beyond what the circuit bears.
        """
        check_batch(self.network, inputs, None if nudge is None else nudge.targets, len(inputs))
        assembly = self._assemble(inputs, self._periphery.elsewhere(nudge))
        drive = self._drive(assembly.sources, len(inputs), nudge)
        begin = None if start is None else start.voltages
        try:
            point = operating_point(
                self.circuit,
                assembly.g,
                drive,
                begin,
                tolerance=stop.tolerance,
                iterations=stop.steps,
                assembly=assembly,
            )
        except (DataError, DivergenceError):
            if start is None or nudge is None or nudge.beta > -self._limit(start):
                raise
            raise SpecError(
                f"{self.network.where}: phases.beta is {-nudge.beta:g}, but a nudge of -beta is stable only below "
                f"{self._limit(start):.3g} here and nothing bounds the outputs; use a smaller beta, phases.variant "
                "'positive' or phases.nudge 'held_current'."
            ) from None
        voltages, volt = point.voltages, self.network.circuit.v_unit
        seen = voltages
        if not self._periphery.reads_exactly:
            read = self._periphery.read({layer: v * volt for layer, v in voltages.items()}, rng)
            seen = {layer: v / volt for layer, v in read.items()}
        return Equilibrium(
            state=seen,
            outputs=read_outputs(self.network, seen[self.network.output_layer]),
            residual=max(point.residual, point.complementarity),
            converged=point.converged,
            n_steps=point.iterations,
            resume=Settled(voltages, assembly, drive),
            activity={self.network.input_layer: inputs, **seen},
        )

    def energy(self, eq: Equilibrium) -> Array:
        """Return the co-content of each sample, (batch,), in the network's units: an operating point minimises it."""
        settled: Settled = eq.resume
        return co_content(drive_circuit(settled.assembly, settled.drive), settled.voltages)

    def energy_gradient(self, eq: Equilibrium) -> Params:
        """Return dP/dg = 1/2 <(v_i - v_j)^2> and dP/dI = -<v> over the batch, times the amplifiers' factor."""
        return self.energy_contrast([(1.0, eq)])

    def energy_contrast(self, weighted: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Return the sum of weights times energy gradients, at equilibria of the same inputs."""
        sources = weighted[0][1].resume.assembly.sources
        change = contrast(self.circuit, sources, [(weight, eq.state) for weight, eq in weighted])
        for name, value in change.items():
            if self._factors[name] != 1:
                value *= self._factors[name]
            connected = self._masks[name]
            if connected is not None:
                value *= connected
        for layer in self._biased():
            factor = self._factors[self.circuit.into(layer)[0]]
            change[f"{layer}.bias"] = -factor * sum(weight * eq.state[layer].mean(axis=0) for weight, eq in weighted)
        return change

    def saturation(self, eq: Equilibrium) -> dict[str, tuple[float, float]]:
        """Return, by layer, the fraction of nodes whose diodes block; none is stuck at a top."""
        return blocking(self.circuit, eq.state)

    def margin(self, free: Equilibrium) -> float:
        """Return the largest stable |beta| of a negative nudge, the least over the batch; infinite for a current."""
        return self._limit(free.resume)

    def power(self, eq: Equilibrium) -> Power:
        """Return where the power comes from and goes at an equilibrium, in the network's units."""
        settled: Settled = eq.resume
        return power(drive_circuit(settled.assembly, settled.drive), settled.voltages)

    def dissipation(self, eq: Equilibrium, nudge: Nudge | None = None) -> dict[str, float]:
        """Return the mean power that each kind of element turns into heat at an equilibrium. [W].

        A nudge is among them already; that of -beta, a negative conductance, is negative.
        """
        watt = self.network.circuit.v_unit**2 * self.network.g_unit
        found = {kind: float(each.mean()) * watt for kind, each in self.power(eq).dissipated.items()}
        amplifier = self.network.technology.neuron.amplifier
        if amplifier is not None:
            amplified = sum(layer.size for layer in self.circuit.layers.values() if layer.amplifier is not None)
            found["amplifiers"] = amplified * amplifier.power
        return found

    def devices(self) -> int:
        """Return how many programmable devices there are."""
        counts = [(self._masks[name], self.params[name]) for name in self.circuit.resistors]
        return sum(g.size if connected is None else int(connected.sum()) for connected, g in counts)

    def phase_time(self, eq: Equilibrium) -> float:
        """Return how long a phase is held. [s]."""
        return self.network.technology.periphery.phase_time

    def settle(self, eq: Equilibrium, start: Equilibrium | None, name: str, least: int = 1) -> Phase:
        """Return how the circuit comes to an equilibrium from another, or from 0 V: a phase, in volts.

        Parameters
        ----------
        eq
            Where it ends, and under what.
        start
            Where it began.
        name
            Of the phase.
        least
            Time points at least.
        """
        settled: Settled = eq.resume
        unit = self.network.circuit
        begin = None if start is None else start.resume.voltages
        capacitance = self.network.technology.neuron.c_node / self.network.g_unit
        times, voltages = settle(settled.assembly, settled.drive, begin, capacitance, least=least)
        states = {layer: {"v": path * unit.v_unit} for layer, path in voltages.items()}
        return Phase(name, times, states, {}, {}, {}, {"v": "V"})

    def _assemble(self, inputs: Array, elsewhere: bool) -> Assembly:
        """Sum up conductances and sources, once for all phases of a batch that share a circuit."""
        known = self._assembled.get(elsewhere)
        if known is None or known[0] is not inputs or known[1] is not self.params:
            g = {name: self.params[name] for name in self.circuit.resistors}
            if elsewhere:
                g = self._periphery.twin(g)
            if self._wires is not None:
                unit = self.network.g_unit
                g = {name: effective_conductance(each * unit, self._wires) / unit for name, each in g.items()}
            volt = self.network.circuit.v_unit
            sources = self._periphery.driven(source_voltages(self.network, inputs) * volt) / volt
            known = (inputs, self.params, assemble(self.circuit, g, {self.network.input_layer: sources}))
            self._assembled[elsewhere] = known
        return known[2]

    def _limit(self, free: Settled) -> float:
        if self.network.nudge != "state":
            return float("inf")
        equations = drive_circuit(free.assembly, free.drive)
        return float(stability_limit(equations, free.voltages, self.network.output_layer).min())

    def _biased(self) -> list[str]:
        return [layer for layer in self.circuit.layers if self.network.layers[layer].bias]

    def _drive(self, sources: Mapping[str, Array], m: int, nudge: Nudge | None) -> Drive:
        currents = {}
        for layer in self._biased():
            bias = self.params[f"{layer}.bias"]
            currents[layer] = np.broadcast_to(bias, (m, len(bias)))
        drive = Drive(sources, currents)
        return drive if nudge is None else self._nudged(drive, nudge)

    def _nudged(self, drive: Drive, nudge: Nudge) -> Drive:
        output = self.network.output_layer
        if nudge.mode == "state":
            return replace(drive, pulls={output: (nudge.beta, nudge.targets)})
        if nudge.reference is None:
            raise SpecError(f"nudge mode is '{nudge.mode}' without a reference; pass the free equilibrium.")
        pull = -nudge.beta * nudge.cost.gradient(nudge.reference.outputs, nudge.targets)
        if nudge.mode == "held_current":
            ampere = self.network.circuit.v_unit * self.network.g_unit
            into = self._periphery.pushed(at_outputs(self.network, pull) * ampere) / ampere
            already = drive.currents.get(output)
            return replace(drive, currents={**drive.currents, output: into if already is None else already + into})
        share = 1.0 if self.network.circuit.outputs == "single" else 0.5
        held = nudge.reference.state[output] + share * at_outputs(self.network, pull)
        return replace(drive, held={output: held})


def blocking(circuit: Circuit, voltages: Mapping[str, Array]) -> dict[str, tuple[float, float]]:
    """Return, by layer, the fraction of nodes whose diodes block, and 0."""
    return {
        name: (float(((voltages[name] > layer.low) & (voltages[name] < layer.high)).mean()), 0.0)
        for name, layer in circuit.layers.items()
    }
