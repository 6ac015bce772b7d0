"""Substrates of neurons, simulated by Brian2."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuroeq.contract import FOLLOWING, Equilibrium, Nudge, Params, Plastic, Stop, Trial, VectorField
from neuroeq.describe.network import free_layers
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.recipe import Relaxation
from neuroeq.errors import EquationError, SpecError

from ..engine import Accumulator, Plasticity, Recording, Simulation
from .compatibility import check_rule
from .contrasts import Contrasts
from .free_units import interval, mean_field
from .stability import jacobian, measured_margin, neuron_margin

Array = np.ndarray
AT_BOUND = 0.02
"""How near to a bound a unit counts as stuck there, as a part of the way to the other one, or of 1 if there is none."""


class NeuronSubstrate(Contrasts):
    """Neurons that are described by differential equations.

    Parameters
    ----------
    network
        The network, resolved for this substrate.
    params
        The parameters to start with, which are copied: weights (n_pre, n_post) by projection, and biases (n,).
    batch
        The largest number of samples in a relaxation.
    options
        Options of `Simulation`: plastic, engine, target, deferred, monitored.

    Raises
    ------
    NeuroeqError
        If models do not fit the network or each other.
    """

    def __init__(self, network: Network, params: Params, batch: int, **options: Any) -> None:
        super().__init__(network, params, batch, **options)
        check_rule(self.described, options.get("plastic", True))
        self._monitored = options.get("monitored", 0)
        self.simulation = Simulation(self._simulated(), batch, one=self.state_of_one, **options)

    @property
    def described(self) -> Network:
        """The network with the models of its file."""
        return self.network

    @property
    def reusable(self) -> bool:
        """Whether it becomes any other chip by `hold`: none of its units has constants of its own."""
        return not self.simulation.draws.constants

    def _simulated(self) -> Network:
        """Return the network that the engine simulates."""
        return self.network

    @property
    def weights(self) -> Params:
        """The weights that the synapses transmit with: the parameters, or what devices make of them."""
        return self.params

    @property
    def state_of_one(self) -> float:
        """The state that represents the number 1."""
        return 1.0

    def stop(self, relaxation: Relaxation) -> Stop:
        """Return the stopping criterion of a phase that the network's file describes."""
        return Stop(relaxation.n_steps(self.simulation.dt), relaxation.tolerance)

    def saturation(self, eq: Equilibrium) -> dict[str, tuple[float, float]]:
        """Return, by layer, the fractions of units that can move and that are stuck at their upper bound.

        Units that send vectors, such as oscillators, have no bounds.
        """
        found = {layer: (1.0, 0.0) for layer, activity in eq.activity.items() if activity.ndim == 3}
        for layer in self._ends:
            if layer not in found:
                activity, (low, high) = eq.activity[layer], self._ends[layer]
                found[layer] = float(((activity > low) & (activity < high)).mean()), float((activity >= high).mean())
        return found

    @cached_property
    def _ends(self) -> dict[str, tuple[float, float]]:
        """The activities between which a unit counts as able to move, by layer."""
        return {layer: self._between(layer) for layer in free_layers(self.network)}

    def _between(self, layer: str) -> tuple[float, float]:
        """Return the bounds of the activities of a layer, moved inwards by a part of the way between them."""
        model, low, high = self.described.neuron(layer), 0.0, 1.0
        assert model is not None
        if model.activity == model.state:
            low, high = (end / self.state_of_one for end in interval(model))
        edge = AT_BOUND * (high - low if np.isfinite(high - low) else 1.0)
        return low + edge, high - edge

    def relax(
        self,
        inputs: ArrayLike,
        nudge: Nudge | None = None,
        start: Any = None,
        *,
        stop: Stop | None = None,
        plasticity: Plasticity | None = None,
        record: Recording | None = None,
        rng: np.random.Generator | None = None,
    ) -> Equilibrium:
        """Relax from rest, or from an earlier equilibrium.

        Parameters
        ----------
        inputs
            The values that the input layer is clamped to: (batch, n_input), or one sample, (n_input,).
        nudge
            The pull of the outputs; None in the free phase.
        start
            An equilibrium of this substrate, or its `resume`, to start from; the phase starts at rest if left out.
        stop
            The largest number of steps, and the residual that ends the phase earlier; those of the network if left out.
        plasticity
            The object that accumulates the change of the synapses in this phase; None if they do not change.
        record
            A `Recording` that keeps spikes and states of the first samples, as many as the substrate was built to
            monitor; None to keep nothing.
        rng
            The generator of start values and noise; the same values are drawn each time if left out.

        Returns
        -------
        Equilibrium

        Raises
        ------
        DataError
            If inputs or targets have the wrong shape, or are not finite.
        DivergenceError
            If a state grows without bound.
        SpecError
            If phases are to be recorded by a substrate that monitors no samples.
        """
        if record is not None and not self._monitored:
            raise SpecError("record is given, but no sample is monitored; build the substrate with monitored=2, say.")
        inputs, nudge, start, stop = self._phase(inputs, nudge, start, stop)
        rng = rng or np.random.default_rng(0)
        inputs = self._latest.of(inputs)
        return self.simulation.relax(self.weights, inputs, nudge, start, stop, plasticity, record, rng)

    def margin(self, free: Equilibrium) -> float:
        """Return the largest stable size of beta of a negative nudge where the free phase would settle.

        It is infinite for a nudge that does not follow the outputs.
        """
        if self.network.nudge not in FOLLOWING:
            return float("inf")
        try:
            fields = mean_field(self.network) if self.spiking else self.fields
        except EquationError:
            return measured_margin(self, free.activity[self.network.input_layer], free)
        return neuron_margin(self.network, fields, self.transmitted, free, self.state_of_one)

    @property
    def transmitted(self) -> Params:
        """The weights that the synapses transmit with, as numbers, and the biases."""
        return self.weights

    def jacobian(self, eq: Equilibrium, sample: int) -> Array:
        """Return the derivative of tau ds/dt in the states of all free units: (n, n), one row a rate of change."""
        return jacobian(self, eq, sample)

    def record(self, trial: Trial) -> Recording:
        """Return the phases of one trial, with the change that synapses accumulate in them."""
        record, into = Recording(), self.accumulator()
        free, _ = trial.settle(self, record=record, plasticity=lambda gain: self.plasticity(into, gain))
        record.outputs = free.outputs
        return record

    def accumulator(self) -> Accumulator:
        """Return an empty accumulator for the changes of the synapses."""
        return Accumulator(self.simulation.operators)

    def plasticity(self, into: Accumulator, gain: float, on_step: Callable[[], Params] | None = None) -> Plasticity:
        """Return the `plasticity` argument of `relax` that lets synapses change in a phase."""
        return Plasticity(into, gain, on_step)

    def as_field(self) -> VectorField | None:
        """Return itself; None for spiking units, whose rate of change is not a function of their states."""
        return None if self.spiking else self

    def as_plastic(self) -> Plastic | None:
        """Return itself, since its synapses have equations or spike rules."""
        return self
