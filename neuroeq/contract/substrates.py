"""What every substrate does, and what only circuits, vector fields and plastic synapses do besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .phases import Array, Cost, Equilibrium, Nudge, Params, Stop

Network: TypeAlias = Any
"""These three are descriptions of `neuroeq.describe.spec`, which may import this module, and not the other way."""
Hardware: TypeAlias = Any
Relaxation: TypeAlias = Any


class Trial(Protocol):
    """A batch with its targets, and the phases to learn it by."""

    @property
    def betas(self) -> Sequence[float]:
        """The strengths of the nudged phases, in their order."""
        ...

    def settle(
        self, substrate: Substrate, *, record: Any = None, plasticity: Callable[[float], Any] | None = None
    ) -> tuple[Equilibrium, tuple[Equilibrium, ...]]:
        """Run the free phase and every nudged phase from where it ended.

        Parameters
        ----------
        substrate
            The substrate that relaxes.
        record
            Where the phases are recorded, if anywhere.
        plasticity
            A function from the gain of a nudged phase to what `Substrate.relax` takes as its `plasticity`.
        """
        ...


class Substrate(Protocol):
    """Physics that relaxes to equilibrium.

    What only some substrates can do is asked for by one method each, which answers None where there is no such thing:
    `as_circuit`, `as_field` and `as_plastic`.
    """

    @property
    def network(self) -> Network:
        """The resolved network that is simulated on it."""
        ...

    @property
    def params(self) -> Params:
        """What the synapses hold; the arrays are read-only, and `hold` replaces them."""
        ...

    @params.setter
    def params(self, params: Params) -> None: ...

    @property
    def batch(self) -> int:
        """The largest number of samples that it is given at a time."""
        ...

    @property
    def spiking(self) -> bool:
        """Whether its units send spikes."""
        ...

    @property
    def reciprocal(self) -> bool | None:
        """Whether its elements act equally in both directions; None if that has to be measured."""
        ...

    def hold(self, params: Params) -> None:
        """Take other parameters; it keeps copies, so that a later change of the given arrays has no effect."""
        ...

    def stop(self, relaxation: Relaxation) -> Stop:
        """Return when a phase ends that the network's file describes."""
        ...

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
        """Relax from `start`, or from rest, until `stop`, or as the network says; change only the accumulator given."""
        ...

    def energy_gradient(self, eq: Equilibrium) -> Params:
        """Return the local dE/dtheta, averaged over the batch."""
        ...

    def energy_contrast(self, weighted: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Return the sum of weights times energy gradients, at equilibria of the same inputs."""
        ...

    def field_contrast(self, free: Equilibrium, nudged: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Return the sum of gains times (dmu/dtheta)^T (s - s0) for a vector field mu, averaged over the batch."""
        ...

    def adjoint(self, inputs: Array, targets: Array, cost: Cost, stop: Stop) -> Params:
        """Return dC/dtheta at the free equilibrium, by implicit differentiation of the substrate's own equations."""
        ...

    def saturation(self, eq: Equilibrium) -> dict[str, tuple[float, float]]:
        """Return, by layer, the fractions of units that can move and that are stuck at their top."""
        ...

    def margin(self, free: Equilibrium) -> float:
        """Return the largest stable |beta| of a negative nudge at a free equilibrium."""
        ...

    def record(self, trial: Trial) -> Any:
        """Return a `Recording` of the phases of one trial, in time."""
        ...

    def as_circuit(self) -> Circuit | None:
        """Return the circuit whose power and devices can be counted; None if it is none."""
        ...

    def as_field(self) -> VectorField | None:
        """Return the vector field of rates; None if its units have none."""
        ...

    def as_plastic(self) -> Plastic | None:
        """Return the substrate whose synapses change in the nudged phases; None if none do."""
        ...


class Circuit(Substrate, Protocol):
    """A substrate that is made of devices and dissipates power."""

    @property
    def hardware(self) -> Hardware:
        """What it is made of."""
        ...

    def dissipation(self, eq: Equilibrium, nudge: Nudge | None = None) -> dict[str, float]:
        """Return the mean power that each kind of element turns into heat at an equilibrium. [W]."""
        ...

    def devices(self) -> int:
        """Return how many programmable devices there are."""
        ...

    def phase_time(self, eq: Equilibrium) -> float:
        """Return how long the phase that ended at an equilibrium lasts. [s]."""
        ...

    def mapping(self) -> dict[str, float] | None:
        """Return how weights became conductances; None where the parameters are the conductances themselves."""
        ...

    def volts(self, state: Array) -> Array:
        """Return states of an equilibrium as node voltages, of the same shape. [V]."""
        ...

    def netlist(
        self, inputs: Array, eq: Equilibrium, nudge: Nudge | None, *, title: str, header: Sequence[str] = ()
    ) -> str:
        """Return the SPICE netlist of the first sample of an equilibrium, with the nudge that it settled under."""
        ...


class Plastic(Substrate, Protocol):
    """A substrate whose synapses have equations or spike rules of their own, which change them in nudged phases."""

    @property
    def weights(self) -> Params:
        """What transmits: the parameters, or what devices make of them."""
        ...

    def accumulator(self) -> Any:
        """Return an empty `Accumulator` for changes of the synapses."""
        ...

    def plasticity(self, into: Any, gain: float, on_step: Callable[[], Params] | None = None) -> Any:
        """Return what lets synapses change in a phase, as `relax` takes it.

        Parameters
        ----------
        into
            The accumulator of the changes.
        gain
            The factor of this phase's changes.
        on_step
            Called after every step; returns the weights to go on with.
        """
        ...

    def shaped(self, change: Params) -> Params:
        """Return a change in the shapes of the parameters, and nothing where there is no synapse."""
        ...


class VectorField(Substrate, Protocol):
    """A substrate whose units obey tau ds/dt = mu(state, drive, bias, nudge), one state each."""

    @property
    def described(self) -> Network:
        """The network in the models of its file, not in those that a circuit makes of them."""
        ...

    @property
    def fields(self) -> Mapping[str, Any]:
        """By free layer: its `Field`, the equations as functions and their slopes."""
        ...

    @property
    def simulation(self) -> Any:
        """The `Simulation` that takes the steps: its dt, the scale of a change over one step, states side by side."""
        ...

    @property
    def state_of_one(self) -> float:
        """The state that stands for 1."""
        ...

    def field_values(self, eq: Equilibrium) -> dict[str, dict[str, Array]]:
        """Return state, drive and bias of every unit at an equilibrium, by layer and name: (batch, n)."""
        ...

    def drives(self, activity: Mapping[str, Array]) -> dict[str, Array]:
        """Return what arrives at every layer, (batch, n), for activities of all, inputs included."""
        ...

    def drives_back(self, error: Mapping[str, Array]) -> dict[str, Array]:
        """Return what errors in the drives of free layers are in their activities: (batch, n)."""
        ...

    def jacobian(self, eq: Equilibrium, sample: int) -> Array:
        """Return the derivative of tau ds/dt in the states of all free units: (n, n), row = whose rate of change."""
        ...

    def shaped(self, change: Params) -> Params:
        """Return a change in the shapes of the parameters, and nothing where there is no synapse."""
        ...
