"""What every substrate does, and what circuits, vector fields and plastic synapses can do in addition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .phases import Array, Cost, Equilibrium, Nudge, Params, Stop

Network: TypeAlias = Any
"""These three are classes of `neuroeq.describe.spec`, which imports this module, so this one cannot import them."""
Hardware: TypeAlias = Any
Relaxation: TypeAlias = Any


class Trial(Protocol):
    """One batch with its targets, and the phases to learn it by."""

    @property
    def betas(self) -> Sequence[float]:
        """The strengths of the nudged phases, in their order."""
        ...

    def settle(
        self, substrate: Substrate, *, record: Any = None, plasticity: Callable[[float], Any] | None = None
    ) -> tuple[Equilibrium, tuple[Equilibrium, ...]]:
        """Run the free phase, and then every nudged phase from the state in which the free phase ended.

        Parameters
        ----------
        substrate
            The substrate that relaxes.
        record
            The `Recording` that keeps the phases; None to keep nothing.
        plasticity
            A function that takes the gain of a nudged phase and returns the `plasticity` argument of `Substrate.relax`.
        """
        ...


class Substrate(Protocol):
    """Physics that relaxes to equilibrium.

    For each ability that only some substrates have, there is a method that returns None on all others: `as_calibrated`,
    `as_circuit`, `as_field`, `as_plastic` and `as_wired`.
    """

    @property
    def network(self) -> Network:
        """The resolved network that is simulated on it."""
        ...

    @property
    def params(self) -> Params:
        """The weights and biases by name; the arrays are read-only, and `hold` replaces them."""
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

    @property
    def reusable(self) -> bool:
        """Whether it becomes any other chip by `hold`: nothing else in it depends on the seed or on earlier weights."""
        ...

    def hold(self, params: Params) -> None:
        """Replace the parameters by copies of these, so that a later change of the given arrays has no effect."""
        ...

    def stop(self, relaxation: Relaxation) -> Stop:
        """Return the stopping criterion of a phase that the network's file describes."""
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
        """Relax from `start`, or from rest, until `stop` or the end that the network's file describes.

        Only `plasticity` and `record` are changed.
        """
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
        """Return, by layer, the fractions of units that can move and that are stuck at their upper bound."""
        ...

    def margin(self, free: Equilibrium) -> float:
        """Return the largest stable size of beta of a negative nudge at a free equilibrium.

        It is infinite for a nudge that does not follow the outputs.
        """
        ...

    def record(self, trial: Trial) -> Any:
        """Return a `Recording` of the phases of one trial, in time."""
        ...

    def as_circuit(self) -> Circuit | None:
        """Return it as a circuit, whose power and devices can be counted; None if it is not a circuit."""
        ...

    def as_field(self) -> VectorField | None:
        """Return it as a vector field of rates; None if its units have none."""
        ...

    def as_plastic(self) -> Plastic | None:
        """Return it as a substrate whose synapses change in the nudged phases; None if they do not."""
        ...

    def as_wired(self) -> Wired | None:
        """Return its arrays, if wires with resistance can be approximated in training; None if they cannot."""
        ...

    def as_calibrated(self) -> Calibrated | None:
        """Return its converters, if their full scales are calibrated; None if they are not."""
        ...


class Circuit(Substrate, Protocol):
    """A substrate that is made of devices and dissipates power."""

    @property
    def hardware(self) -> Hardware:
        """The hardware that it is made of."""
        ...

    def dissipation(self, eq: Equilibrium, nudge: Nudge | None = None) -> dict[str, float | None]:
        """Return the mean power that each kind of element turns into heat at an equilibrium; None if not given [W]."""
        ...

    def devices(self) -> dict[str, int]:
        """Return how many programmable devices there are, by array."""
        ...

    def phase_time(self, eq: Equilibrium) -> float:
        """Return how long the phase that ended at an equilibrium lasts [s]."""
        ...

    def mapping(self) -> dict[str, float] | None:
        """Return how weights are mapped to conductances; None where the parameters are the conductances themselves."""
        ...

    def voltages(self, eq: Equilibrium) -> dict[str, Array]:
        """Return the node voltages at an equilibrium, by layer: (batch, n), not as converters read them [V]."""
        ...

    def driving(self, eq: Equilibrium) -> dict[str, Array]:
        """Return the voltages with which layers, inputs included, drive the arrays behind them: (batch, n) [V]."""
        ...

    def readings(self, eq: Equilibrium) -> dict[str, Array]:
        """Return the voltages of an equilibrium as converters read them, by layer: (batch, n) [V]."""
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
        """The weights that the synapses transmit with: the parameters, or what devices make of them."""
        ...

    def accumulator(self) -> Any:
        """Return an empty `Accumulator` for the changes of the synapses."""
        ...

    def plasticity(self, into: Any, gain: float, on_step: Callable[[], Params] | None = None) -> Any:
        """Return the `plasticity` argument of `relax` that lets synapses change in a phase.

        Parameters
        ----------
        into
            The accumulator of the changes.
        gain
            The factor by which the changes of this phase are multiplied.
        on_step
            A function that is called after every step and returns the weights for the next one; None to keep them.
        """
        ...

    def shaped(self, change: Params) -> Params:
        """Return a change in the shapes of the parameters, and 0 where there is no synapse."""
        ...


class Wired(Protocol):
    """The arrays of a substrate whose wires have resistance, which are solved exactly except in training."""

    def start(self, worst: float | None) -> None:
        """Approximate from now on, unless the error was found to be `worst`, which is too large."""
        ...

    def check(self) -> float:
        """Return the error of the approximation as it was used last, as a fraction of an array's largest weight."""
        ...

    def stop(self) -> None:
        """Solve exactly from now on."""
        ...


class Calibrated(Protocol):
    """The converters of a substrate that read each layer over a range of its own."""

    @property
    def full_scales(self) -> dict[str, float]:
        """The largest voltage of either sign that is read, by layer; empty before the first calibration [V]."""
        ...

    @full_scales.setter
    def full_scales(self, volts: Mapping[str, float]) -> None: ...

    def calibrate(self, inputs: Array, rng: np.random.Generator | None = None) -> dict[str, float]:
        """Return full scales for what free phases under these inputs show, (n, n_input), and use them from now on."""
        ...


class VectorField(Substrate, Protocol):
    """A substrate whose units obey tau ds/dt = mu(state, drive, bias, nudge), one state each."""

    @property
    def described(self) -> Network:
        """The network with the models of its file, not with those that a circuit derives from them."""
        ...

    @property
    def fields(self) -> Mapping[str, Any]:
        """The `Field` of every free layer: its equations as functions, and their slopes."""
        ...

    @property
    def simulation(self) -> Any:
        """The `Simulation` that takes the steps."""
        ...

    @property
    def state_of_one(self) -> float:
        """The state that represents the number 1."""
        ...

    @property
    def transmitted(self) -> Params:
        """The weights that the synapses transmit with, as numbers, and the biases."""
        ...

    def field_values(self, eq: Equilibrium) -> dict[str, dict[str, Array]]:
        """Return state, drive and bias of every unit at an equilibrium, by layer and name: (batch, n)."""
        ...

    def biases(self, layer: str) -> Array | float:
        """Return the bias of every unit of a layer, (n,), or 0 where it has none."""
        ...

    def drives(self, activity: Mapping[str, Array]) -> dict[str, Array]:
        """Return the drive of every layer, (batch, n), for the activities of all layers, inputs included."""
        ...

    def drives_back(self, error: Mapping[str, Array]) -> dict[str, Array]:
        """Return errors in the drives of free layers, propagated back to their activities: (batch, n)."""
        ...

    def jacobian(self, eq: Equilibrium, sample: int) -> Array:
        """Return the derivative of tau ds/dt in the states of all free units: (n, n), one row a rate of change."""
        ...

    def shaped(self, change: Params) -> Params:
        """Return a change in the shapes of the parameters, and 0 where there is no synapse."""
        ...
