"""Substrates of neurons on Brian2: one simulation, and the parameters that its synapses hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..contract import Equilibrium, Nudge, Params, Stop
from ..engine import Plasticity, Recording, Simulation
from ..errors import SpecError
from ..network import mask
from ..spec import Network
from ..spec.recipe import Relaxation

Array = np.ndarray
MOVING = (0.02, 0.98)
"""Activities between which a unit counts as free to move."""


class NeuronSubstrate:
    """Units that are differential equations, on the substrate that the network was resolved for.

    Parameters
    ----------
    network
        Resolved.
    params
        What the synapses hold at first.
    batch
        Samples at most.
    options
        Of `Simulation`: plastic, engine, target, deferred, monitored.

    Raises
    ------
    NeuroeqError
        If models do not fit the network or each other.
    """

    def __init__(self, network: Network, params: Params, batch: int, **options: Any) -> None:
        self.network = network
        self.params = params
        self.simulation = Simulation(self._simulated(), batch, **options)
        self._masks = {name: mask(network, name) for name in network.projections}

    @property
    def spiking(self) -> bool:
        """Whether its units send spikes."""
        return self.network.substrate_name == "spiking"

    def _simulated(self) -> Network:
        """Return the network as the engine runs it."""
        return self.network

    @property
    def weights(self) -> Params:
        """What the simulation multiplies with: the parameters, or what devices make of them."""
        return self.params

    @property
    def state_of_one(self) -> float:
        """The state that stands for 1."""
        return 1.0

    @property
    def batch(self) -> int:
        """Samples at most."""
        return self.simulation.batch

    def stop(self, relaxation: Relaxation) -> Stop:
        """Return when a phase ends."""
        return Stop(relaxation.n_steps(self.simulation.dt), relaxation.tolerance)

    def saturation(self, eq: Equilibrium) -> dict[str, tuple[float, float]]:
        """Return, by layer, the fractions of units that can move and that are stuck at their top."""
        return {
            layer: (
                float(((activity > MOVING[0]) & (activity < MOVING[1])).mean()),
                float((activity >= MOVING[1]).mean()),
            )
            for layer, activity in eq.activity.items()
            if layer != self.network.input_layer
        }

    def relax(
        self,
        inputs: Array,
        nudge: Nudge | None = None,
        start: Any = None,
        *,
        stop: Stop,
        plasticity: Plasticity | None = None,
        record: Recording | None = None,
        rng: np.random.Generator | None = None,
    ) -> Equilibrium:
        """Relax from rest, or from where an equilibrium ended.

        Parameters
        ----------
        inputs
            (batch, n_input).
        nudge
            None in the free phase.
        start
            The `resume` of an equilibrium of this substrate; rest if left out.
        stop
            How long.
        plasticity
            Lets synapses accumulate their change.
        record
            Keeps spikes and states of the first samples.
        rng
            Draws start values and noise; the same draws each time if left out.

        Returns
        -------
        Equilibrium

        Raises
        ------
        DataError
            If inputs or targets have the wrong shape, or are not finite.
        DivergenceError
            If a state grows without bound.
        """
        rng = rng or np.random.default_rng(0)
        return self.simulation.relax(self.weights, inputs, nudge, start, stop, plasticity, record, rng)

    def energy_gradient(self, eq: Equilibrium) -> Params:
        """Return dE/dW_ij = -<a_i a_j> and dE/db_j = -<a_j>, averaged over the batch.

        Of E = sum of unit terms - 1/2 a.W.a - b.a with activities a (Scellier & Bengio 2017); a symmetric pair of
        lateral weights counts as one parameter.
        """
        return self.energy_contrast([(1.0, eq)])

    def energy_contrast(self, weighted: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Return the sum of weights times energy gradients, at equilibria of the same inputs.

        What a clamped input sends is the same in all of them, and is multiplied once.

        Raises
        ------
        SpecError
            If weights between free layers are directed: they have no energy.
        """
        self._check_energy()
        clamped = self.network.input_layer if self.network.neuron(self.network.input_layer) is None else None
        contrast: Params = {}
        for name in self.params:
            if name not in self.network.projections:
                contrast[name] = -_weighted(weighted, name.removesuffix(".bias")).mean(axis=0)
                continue
            source, target = self.network.projections[name].source, self.network.projections[name].target
            m = len(weighted[0][1].outputs)
            if source == clamped:
                contrast[name] = weighted[0][1].activity[source].T @ (_weighted(weighted, target) / -m)
            else:
                pairs = [eq.activity[source].T @ ((-weight / m) * eq.activity[target]) for weight, eq in weighted]
                contrast[name] = sum(pairs[1:], start=pairs[0])
        return self.shaped(contrast)

    def field_contrast(self, free: Equilibrium, nudged: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Return the sum of gains times <a_i(s0) (s_j - s0_j)>, and both ways round where a weight serves both."""
        m = len(free.outputs)
        moved = {
            layer: sum(gain * (eq.state[layer] - state) for gain, eq in nudged) / (m * self.state_of_one)
            for layer, state in free.state.items()
        }
        change: Params = {}
        for name in self.params:
            if name not in self.network.projections:
                change[name] = moved[name.removesuffix(".bias")].sum(axis=0)
                continue
            ends = self.network.projections[name]
            change[name] = free.activity[ends.source].T @ moved[ends.target]
            if self.network.symmetric(name):
                change[name] = change[name] + moved[ends.source].T @ free.activity[ends.target]
        return self.shaped(change)

    def _check_energy(self) -> None:
        for name, projection in self.network.projections.items():
            if projection.directed and projection.source != self.network.input_layer:
                raise SpecError(
                    f"{self.network.where}: projections.{name} is directed, so there is no energy to contrast; use "
                    "training.rule 'vector_field', or symmetric weights."
                )

    def shaped(self, change: Params) -> Params:
        """Return a change in the shapes of the parameters, and nothing where there is no synapse."""
        shaped: Params = {}
        for name, value in change.items():
            connected = self._masks.get(name)
            value = value.reshape(self.params[name].shape)
            shaped[name] = value if connected is None else value * connected
        return shaped


def _weighted(weighted: Sequence[tuple[float, Equilibrium]], layer: str) -> Array:
    """Return the sum of weights times the activities of a layer: (batch, n)."""
    terms = [eq.activity[layer] * weight for weight, eq in weighted]
    return sum(terms[1:], start=terms[0])
