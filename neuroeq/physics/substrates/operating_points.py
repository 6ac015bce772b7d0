"""Operating points of a resistor network, which are solved, compared, and differentiated.

Kirchhoff's laws do the inference. The co-content P(v) takes the place of the energy, and dP/dg = 1/2 (v_i - v_j)^2.

Kendall et al. 2020, arXiv:2006.01981; Scellier 2024, arXiv:2402.11674.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuroeq.contract import Calibrated, Cost, Equilibrium, Nudge, Params, Stop
from neuroeq.describe.network import biases, check_batch, mask, nodes
from neuroeq.describe.operators import Biases
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.recipe import Relaxation
from neuroeq.errors import DataError, DivergenceError, SpecError

from ..circuits.assembly import Assembly, assemble
from ..circuits.circuit import Circuit as Layout
from ..circuits.circuit import Drive
from ..circuits.equations import drive_circuit
from ..circuits.gradient import amplifier_factors, contrast
from ..circuits.kirchhoff import co_content
from ..circuits.layout import at_outputs, check_layout, lay_out, read_outputs, source_voltages
from ..circuits.solve import TOLERANCE, operating_point
from .base import PlainSubstrate
from .compatibility import check_resistors
from .conductance_adjoint import conductance_adjoint
from .converters import calibrated
from .nudged_circuit import largest_nudge, nudged
from .periphery import Periphery
from .settled import Settled
from .wiring import WiredArrays, arrays_of

Array = np.ndarray
MOST_STEPS = 500
"""The largest number of Newton steps or sweeps if the file gives phases a duration in time."""


class OperatingPoints(PlainSubstrate):
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

    def __init__(self, network: Network, params: Params, batch: int, **options: Any) -> None:
        check_layout(network)
        check_resistors(network)
        super().__init__(network, params, batch, **options)
        self.circuit = lay_out(network)
        self._factors = amplifier_factors(self.circuit, network.output_layer)
        self._masks = {name: mask(network, name) for name in network.projections}
        self._biases = {
            layer: Biases(biases(network, layer), nodes(network, layer))
            for layer in self.circuit.layers
            if network.layers[layer].bias
        }
        self._assembled: dict[bool, tuple[Any, Any, bool, Assembly]] = {}
        self._periphery, self._wires = Periphery(network), arrays_of(network)

    @property
    def reciprocal(self) -> bool | None:
        """Whether its elements act equally in both directions: True, or None if there are amplifiers."""
        return True if self.circuit.reciprocal else None

    def stop(self, relaxation: Relaxation) -> Stop:
        """Return the stopping criterion of a phase: a number of sweeps or Newton steps, or a small residual."""
        if relaxation.counted:
            return Stop(relaxation.n_steps(1.0), relaxation.tolerance)
        return Stop(MOST_STEPS, relaxation.tolerance or TOLERANCE)

    def relax(
        self,
        inputs: ArrayLike,
        nudge: Nudge | None = None,
        start: Any = None,
        *,
        stop: Stop | None = None,
        plasticity: Any = None,
        record: Any = None,
        rng: np.random.Generator | None = None,
    ) -> Equilibrium:
        """Solve for the operating point.

        Parameters
        ----------
        inputs
            The inputs of the batch, (batch, n_input), or one sample, (n_input,); their voltages are larger by a
            factor of `input_gain`.
        nudge
            The pull of the outputs; None in the free phase. Its beta is a conductance in the network's unit.
        start
            An equilibrium, or its `resume`, where the solver starts; it starts at 0 V if this is left out.
        stop
            The largest number of sweeps or Newton steps, and the residual to reach, as a fraction of the largest
            current; those of the network if left out.
        plasticity, record
            Not used, since operating points have no course in time.
        rng
            The generator of the noise of the converters that read the nodes; the same noise each time if left out.

        Raises
        ------
        DataError
            If inputs or targets have the wrong shape, or are not finite.
        DivergenceError
            If a nudge is beyond the stability limit of the circuit.
        """
        inputs, nudge, start, stop = self._phase(inputs, nudge, start, stop)
        inputs = self._latest.of(inputs)
        check_batch(self.network, inputs, None if nudge is None else nudge.targets, len(inputs))
        assembly = self._assemble(inputs, self._periphery.elsewhere(nudge))
        drive = self._drive(assembly.sources, len(inputs), nudge)
        try:
            point = operating_point(
                self.circuit,
                assembly.g,
                drive,
                None if start is None else start.voltages,
                tolerance=stop.tolerance,
                iterations=stop.steps,
                assembly=assembly,
                certify=stop.judged or stop.tolerance is not None,
            )
        except (DataError, DivergenceError):
            if start is None or nudge is None or nudge.beta > -self._bound(start):
                raise
            raise SpecError(
                f"{self.network.where}: phases.beta is {-nudge.beta:g}, but a nudge of -beta is stable only below "
                f"{self._bound(start):.3g} here and nothing bounds the outputs; use a smaller beta, phases.variant "
                "'positive' or phases.nudge 'held_current'."
            ) from None
        seen = self._seen(point.voltages, rng)
        return Equilibrium(
            state=seen,
            outputs=read_outputs(self.network, seen[self.network.output_layer]),
            residual=max(point.residual, point.complementarity),
            converged=point.converged,
            n_steps=point.iterations,
            resume=Settled(point.voltages, assembly, drive),
            activity={self.network.input_layer: inputs, **seen},
        )

    def _seen(self, voltages: Mapping[str, Array], rng: np.random.Generator | None) -> Mapping[str, Array]:
        """Return node voltages as converters read them, by layer: (batch, n), in the network's unit."""
        if self._periphery.reads_exactly:
            return voltages
        volt = self.network.v_unit
        read = self._periphery.read({layer: v * volt for layer, v in voltages.items()}, rng)
        return {layer: v / volt for layer, v in read.items()}

    def energy(self, eq: Equilibrium) -> Array:
        """Return the co-content of each sample, (batch,), in the network's units; operating points minimise it.

        Raises
        ------
        SpecError
            If amplifiers make the circuit one that minimises nothing.
        """
        if not self.circuit.reciprocal:
            raise SpecError(
                f"{self.network.where}: amplifiers act in one direction, so this circuit has no co-content; "
                "leave hardware.neuron.amplifier out to have one."
            )
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
        for layer, shared in self._biases.items():
            factor = self._factors[self.circuit.into(layer)[0]]
            into_nodes = -factor * sum(weight * eq.state[layer].mean(axis=0) for weight, eq in weighted)
            change[f"{layer}.bias"] = shared.summed(into_nodes)
        return change

    def saturation(self, eq: Equilibrium) -> dict[str, tuple[float, float]]:
        """Return, by layer, the fraction of nodes whose diodes block, and 0, since none is stuck at an upper bound."""
        return blocking(self.circuit, eq.state)

    def as_calibrated(self) -> Calibrated | None:
        """Return its converters, if their full scales are calibrated; None if they are not."""
        return calibrated(self, self._periphery)

    def as_wired(self) -> WiredArrays | None:
        """Return the arrays whose wires have resistance; None if they have none, or are always solved exactly."""
        return self._wires if self.network.technology.array.solver == "series" else None

    def margin(self, free: Equilibrium) -> float:
        """Return the largest stable |beta| of a negative nudge, the least over the batch; infinite for other modes."""
        inputs = free.activity[self.network.input_layer]
        return self._bound(self.relax(inputs, start=free.resume, stop=Stop(MOST_STEPS, TOLERANCE)).resume)

    def adjoint(self, inputs: Array, targets: Array, cost: Cost, stop: Stop) -> Params:
        """Return dC/dtheta at the free operating point, by implicit differentiation of Kirchhoff's current law."""
        free, output = self.relax(inputs, stop=stop), self.network.output_layer
        pull = at_outputs(self.network, cost.gradient(free.outputs, targets))
        conductances, currents = conductance_adjoint(self.circuit, free.resume, output, pull)
        gradient: Params = {}
        for name in [*conductances, *(name for name in self.params if name not in conductances)]:
            connected = self._masks.get(name)
            value = conductances.get(name)
            if value is None:
                layer = name.removesuffix(".bias")
                value = self._biases[layer].summed(currents[layer])
            gradient[name] = value if connected is None else value * connected
        return gradient

    def _assemble(self, inputs: Array, elsewhere: bool) -> Assembly:
        """Return the assembled conductances and sources, computed once for all phases of a batch on one circuit."""
        known, approximate = self._assembled.get(elsewhere), self._wires is not None and self._wires.approximate
        valid = known is not None and known[0] is inputs and known[1] is self.params  # both are read-only copies
        if known is None or not valid or known[2] != approximate:
            g = {name: self.params[name] for name in self.circuit.resistors}
            if elsewhere:
                g = self._periphery.twin(g)
            if self._wires is not None:
                unit = self.network.g_unit
                g = {name: self._wires.effective(name, each * unit)[0] / unit for name, each in g.items()}
            volt = self.network.v_unit
            sources = self._periphery.driven(source_voltages(self.network, inputs) * volt) / volt
            assembly = assemble(self.circuit, g, {self.network.input_layer: sources})
            known = self._assembled[elsewhere] = (inputs, self.params, approximate, assembly)
        return known[3]

    def _bound(self, free: Settled) -> float:
        return largest_nudge(self.network, free.assembly, free.drive, free.voltages)

    def _drive(self, sources: Mapping[str, Array], m: int, nudge: Nudge | None) -> Drive:
        currents = {}
        for layer, shared in self._biases.items():
            bias = shared.incoming(self.params[f"{layer}.bias"])
            currents[layer] = np.broadcast_to(bias, (m, len(bias)))
        drive = Drive(sources, currents)
        return drive if nudge is None else nudged(self.network, self._periphery, drive, nudge)


def blocking(circuit: Layout, voltages: Mapping[str, Array]) -> dict[str, tuple[float, float]]:
    """Return, by layer, the fraction of nodes whose diodes block, and 0."""
    return {
        name: (float(((voltages[name] > layer.low) & (voltages[name] < layer.high)).mean()), 0.0)
        for name, layer in circuit.layers.items()
    }
