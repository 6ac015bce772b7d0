"""What all substrates have in common, and the defaults for one that has no more than an energy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuroeq.contract import (
    Calibrated,
    Circuit,
    Cost,
    Equilibrium,
    Nudge,
    Params,
    Plastic,
    Stop,
    Trial,
    VectorField,
    Wired,
)
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.recipe import Relaxation
from neuroeq.errors import DataError, SpecError

from .held import Latest, held

Array = np.ndarray


class PlainSubstrate(ABC):
    """Physics that relaxes; a subclass defines how, in `stop`, `relax` and `energy_gradient`.

    Parameters
    ----------
    network
        The network, resolved for this substrate.
    params
        The parameters to start with, by name, which are copied.
    batch
        The largest number of samples that it is given at a time.
    options
        Options of a simulation, such as its engine, which are not used here.
    """

    def __init__(self, network: Network, params: Params, batch: int, **options: Any) -> None:
        self.network, self._batch, self._latest = network, batch, Latest()
        self._params: Params = {}
        self.hold(params)

    @property
    def batch(self) -> int:
        """The largest number of samples that it is given at a time."""
        return self._batch

    @property
    def params(self) -> Params:
        """The weights and biases by name, read-only; assigning to it is the same as calling `hold`."""
        return self._params

    @params.setter
    def params(self, params: Params) -> None:
        self.hold(params)

    def hold(self, params: Params) -> None:
        """Replace the parameters by copies of these, so that a later change of the given arrays has no effect."""
        self._params = held(params)

    @property
    def spiking(self) -> bool:
        """Whether its units send spikes."""
        return self.network.kind.spikes

    @property
    def reciprocal(self) -> bool | None:
        """Whether its elements act equally in both directions; None if that has to be measured."""
        return None

    @property
    def reusable(self) -> bool:
        """Whether it becomes any other chip by `hold`; False unless a subclass knows that nothing else differs."""
        return False

    @abstractmethod
    def stop(self, relaxation: Relaxation) -> Stop:
        """Return the stopping criterion of a phase that the network's file describes."""

    @abstractmethod
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
        """Relax from `start`, or from rest; see `neuroeq.contract.Substrate`."""

    @abstractmethod
    def energy_gradient(self, eq: Equilibrium) -> Params:
        """Return the local dE/dtheta, averaged over the batch."""

    def energy_contrast(self, weighted: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Return the sum of weights times energy gradients, at equilibria of the same inputs."""
        gradients = [(weight, self.energy_gradient(eq)) for weight, eq in weighted]
        return {name: np.sum([weight * each[name] for weight, each in gradients], axis=0) for name in self.params}

    def field_contrast(self, free: Equilibrium, nudged: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Raise an error, since there is no vector field of units with a drive.

        Raises
        ------
        SpecError
            Always.
        """
        raise SpecError(self._lacks("vector field", "use a training.rule that contrasts energies, such as 'ep'"))

    def adjoint(self, inputs: Array, targets: Array, cost: Cost, stop: Stop) -> Params:
        """Raise an error, since there are no equations to differentiate.

        Raises
        ------
        SpecError
            Always.
        """
        raise SpecError(self._lacks("fixed point to differentiate", "compare it with the gradient of its rate network"))

    def saturation(self, eq: Equilibrium) -> dict[str, tuple[float, float]]:
        """Return, by layer, that all units can move and that none is stuck at its upper bound."""
        return {layer: (1.0, 0.0) for layer in eq.state}

    def margin(self, free: Equilibrium) -> float:
        """Return infinity: any nudge counts as stable unless a subclass computes a limit."""
        return float("inf")

    def record(self, trial: Trial) -> Any:
        """Return an empty `Recording`, since the way from the start to the equilibrium is not known."""
        from ..engine import Recording

        trial.settle(self)
        return Recording()

    def as_circuit(self) -> Circuit | None:
        """Return None: it is not a circuit whose power is known."""
        return None

    def as_field(self) -> VectorField | None:
        """Return None: its units have no vector field."""
        return None

    def as_plastic(self) -> Plastic | None:
        """Return None: its synapses do not change by themselves."""
        return None

    def as_calibrated(self) -> Calibrated | None:
        """Return None: it has no converters that are calibrated."""
        return None

    def as_wired(self) -> Wired | None:
        """Return None: it has no wires with resistance."""
        return None

    def _phase(
        self, inputs: ArrayLike, nudge: Nudge | None, start: Any, stop: Stop | None
    ) -> tuple[Array, Nudge | None, Any, Stop]:
        """Return the arguments of a phase with defaults filled in: lists and single samples become batches.

        Parameters
        ----------
        inputs
            The inputs, (batch, n_input), or one sample, (n_input,), as an array or as lists.
        nudge
            The pull of the outputs, whose targets may be lists too, or those of one sample; None in the free phase.
        start
            The equilibrium to start from, or its `resume`; None to start from rest.
        stop
            The stopping criterion of the phase; if None, that of the network's file.

        Raises
        ------
        DataError
            If inputs or targets are not a table of numbers.
        """
        if not isinstance(inputs, np.ndarray) or inputs.ndim < 2:
            inputs = self._table("inputs", inputs)
        if nudge is not None and (not isinstance(nudge.targets, np.ndarray) or nudge.targets.ndim < 2):
            nudge = replace(nudge, targets=self._table("targets", nudge.targets))
        if stop is None:
            phases = self.network.phases
            stop = self.stop(phases.free if nudge is None else phases.nudged)
        return inputs, nudge, start.resume if isinstance(start, Equilibrium) else start, stop

    def _table(self, name: str, values: ArrayLike) -> Array:
        try:
            return np.atleast_2d(np.asarray(values, self.network.physics.precision))
        except (TypeError, ValueError):
            raise DataError(f"{name} are {values!r:.60}; expected numbers, one row a sample.") from None

    def _lacks(self, what: str, advice: str) -> str:
        return f"{self.network.where}: substrate '{self.network.substrate_name}' has no {what}; {advice}."
