"""Contrasts between equilibria of neurons: differences of energy gradients and of vector fields.

    dE/dW_ij = -<a_i . a_j>,   dE/db_j = -<a_j>                                       with activities a
    (1/beta) (dmu/dtheta(s0))^T (s^beta - s0)                                         with tau ds/dt = mu

Activities may have components; a clamped input and a bias act on the first.

Scellier & Bengio 2017; Scellier, Goyal, Binas, Mesnard & Bengio 2018, arXiv:1808.04873.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from neuroeq.contract import Equilibrium, Params
from neuroeq.describe.network import free_layers, mask
from neuroeq.describe.operators import unit_biases
from neuroeq.describe.spec import Network

from ..components import as_first, first, paired, summed
from ..engine import Field, Simulation, met_by
from .base import PlainSubstrate
from .compatibility import check_energy

Array = np.ndarray


class Contrasts(PlainSubstrate):
    """Neurons whose equilibria are compared; a subclass defines how they relax.

    Parameters
    ----------
    network, params, batch, options
        The same as for `PlainSubstrate`.

    Attributes
    ----------
    simulation
        The equations and the synapses that were built for the network.
    """

    simulation: Simulation

    def __init__(self, network: Network, params: Params, batch: int, **options: Any) -> None:
        super().__init__(network, params, batch, **options)
        self._masks = {name: mask(network, name) for name in network.projections}

    @property
    @abstractmethod
    def described(self) -> Network:
        """The network with the models of its file."""

    @property
    @abstractmethod
    def state_of_one(self) -> float:
        """The state that represents the number 1."""

    def energy(self, eq: Equilibrium) -> Array:
        """Return the energy of each sample, (batch,), which decreases in free phases.

        E = sum of the content of units - sum over weights of a_i W_ij a_j - sum of b_j a_j (Scellier & Bengio 2017).

        Raises
        ------
        NeuroeqError
            If weights are directed, units spike, or the equations of the units do not descend an energy.
        """
        check_energy(self.network)
        values, maps = self.field_values(eq), self.simulation.operators
        total = sum(field.content(values[layer]).sum(axis=1) for layer, field in self.fields.items())
        for name, weight in self.params.items():
            if name not in self.network.projections:
                total = total - first(eq.activity[name.removesuffix(".bias")]) @ maps[name].incoming(weight)
                continue
            ends = self.network.projections[name]
            sent, met = paired(eq.activity[ends.source], eq.activity[ends.target])
            pairs = summed(maps[name].forward(weight, sent) * met).sum(axis=1)
            total = total - (0.5 * pairs if ends.source == ends.target else pairs)
        return np.asarray(total)

    def energy_gradient(self, eq: Equilibrium) -> Params:
        """Return dE/dW_ij = -<a_i a_j> and dE/db_j = -<a_j>, averaged over the batch.

        The energy is E = sum of unit terms - 1/2 a.W.a - b.a with activities a (Scellier & Bengio 2017).
        A symmetric pair of lateral weights counts as one parameter.
        """
        return self.energy_contrast([(1.0, eq)])

    def energy_contrast(self, weighted: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Return the sum of weights times energy gradients, at equilibria of the same inputs.

        The activity of a clamped input is the same in all of them, so it is multiplied only once.

        Raises
        ------
        SpecError
            If weights between free layers are directed, which have no energy.
        """
        check_energy(self.network)
        clamped = self.network.input_layer if self.network.neuron(self.network.input_layer) is None else None
        contrast: Params = {}
        for name in self.params:
            if name not in self.network.projections:
                units = self._met_first(name, _weighted(weighted, name.removesuffix(".bias")))
                contrast[name] = -self._of_bias(name, units.mean(axis=0))
                continue
            source, target = self.network.projections[name].source, self.network.projections[name].target
            m, outer = len(weighted[0][1].outputs), self.simulation.operators[name].outer
            if source == clamped:
                clamped_values = weighted[0][1].activity[source]
                contrast[name] = outer(clamped_values, self._met_first(name, _weighted(weighted, target)) / -m)
            else:
                pairs = []
                for weight, eq in weighted:
                    pre, post = self._meeting(name, eq.activity[source], eq.activity[target])
                    pairs.append(outer(pre, (-weight / m) * post))
                contrast[name] = sum(pairs[1:], start=pairs[0])
        return self.shaped(contrast)

    def _met_first(self, name: str, activity: Array) -> Array:
        """Return the component that the first one meets in the change of a weight or bias: (batch, n)."""
        return activity if activity.ndim == 2 else activity[self._indices(name)[1][0]]

    def _meeting(self, name: str, pre: Array, post: Array) -> tuple[Array, Array]:
        """Return the components that meet in the change of a weight: (..., batch, n) of either side."""
        if pre.ndim == 2:
            return pre, post
        sent, met = self._indices(name)
        return pre[sent], post[met]

    def _indices(self, name: str) -> tuple[list[int], list[int]]:
        """Return the numbers of the components that are sent, in their order, and of those that they meet."""
        layer = (
            self.network.projections[name].target if name in self.network.projections else name.removesuffix(".bias")
        )
        model = self.described.neuron(layer)
        assert model is not None
        order = list(model.components)
        pairs = sorted((order.index(pre), order.index(post)) for pre, post in met_by(self.network, name).items())
        return [pre for pre, _ in pairs], [post for _, post in pairs]

    def field_contrast(self, free: Equilibrium, nudged: Sequence[tuple[float, Equilibrium]]) -> Params:
        """Return the sum of gains times <(dmu/dtheta(s0))^T (s - s0)>, over both directions that a weight serves.

        Here dmu_j/dW_ij = a_i(s0) dmu_j/ddrive, which is a_i if the drive is a plain term of the equation.
        """
        m, slopes = len(free.outputs), self.drive_slopes(free)
        moved = {  # of vectors, a value for each component
            layer: slopes[layer]
            * sum(gain * (eq.state[layer] - state) for gain, eq in nudged)
            / (m * self.state_of_one)
            for layer, state in free.state.items()
        }
        change: Params = {}
        for name in self.params:
            if name not in self.network.projections:
                change[name] = self._of_bias(name, first(moved[name.removesuffix(".bias")]).sum(axis=0))
                continue
            ends = self.network.projections[name]
            outer = self.simulation.operators[name].outer
            change[name] = outer(*paired(free.activity[ends.source], moved[ends.target]))
            if self.network.symmetric(name):
                change[name] = change[name] + outer(moved[ends.source], free.activity[ends.target])
        return self.shaped(change)

    def drive_slopes(self, eq: Equilibrium) -> dict[str, Array]:
        """Return dmu/ddrive of every unit, by layer (batch, n), or (components, batch, n); of spikes, 1."""
        if self.spiking:
            return {layer: np.ones_like(state) for layer, state in eq.state.items()}
        return {layer: self.fields[layer].drive_slope(values) for layer, values in self.field_values(eq).items()}

    @cached_property
    def fields(self) -> dict[str, Field]:
        """The vector field of every layer, in the units of its model file.

        Raises
        ------
        EquationError
            If a layer is not a rate model with one state.
        """
        fields: dict[str, Field] = {}
        for layer, model in ((layer, self.described.neuron(layer)) for layer in free_layers(self.network)):
            assert model is not None
            population = self.simulation.population(layer)
            constants = population.constants_of(layer)
            alike = [] if constants else [field for field in fields.values() if field.model == model]
            fields[layer] = alike[0] if alike else Field(model, population.parts, constants)
        return fields

    def field_values(self, eq: Equilibrium) -> dict[str, dict[str, Array]]:
        """Return state, drive and bias of every unit at an equilibrium, by layer and name: (batch, n)."""
        drives = self.drives(eq.activity)
        values = {}
        for layer, field in self.fields.items():
            state = eq.state[layer] / self.state_of_one
            bias = np.broadcast_to(self.biases(layer), state.shape)
            values[layer] = {field.model.state: state, "drive": drives[layer], "bias": bias}
        return values

    def drives(self, activity: Mapping[str, Array]) -> dict[str, Array]:
        """Return the drive of every layer, (batch, n), for the activities of all layers, inputs included.

        Of activities with components, it is what arrives of each: (components, batch, n).
        """
        arriving: dict[str, list[Array]] = {layer: [] for layer in self.network.layers}
        maps = self.simulation.operators
        for name, ends in self.network.projections.items():
            forth = maps[name].forward(self.params[name], activity[ends.source])
            met = activity[ends.target]
            arriving[ends.target].append(as_first(forth, len(met)) if forth.ndim < met.ndim else forth)
            if ends.source != ends.target and self.network.symmetric(name):
                arriving[ends.source].append(maps[name].backward(self.params[name], activity[ends.target]))
        return {layer: sum(parts[1:], start=parts[0]) for layer, parts in arriving.items() if parts}

    def drives_back(self, error: Mapping[str, Array]) -> dict[str, Array]:
        """Return errors in the drives of free layers, propagated back to their activities, of the same shape."""
        back, maps = {layer: np.zeros_like(value) for layer, value in error.items()}, self.simulation.operators
        for name, ends in self.network.projections.items():
            if ends.source not in back:
                continue
            back[ends.source] += maps[name].backward(self.params[name], error[ends.target])
            if ends.source != ends.target and self.network.symmetric(name):
                back[ends.target] += maps[name].forward(self.params[name], error[ends.source])
        return back

    def biases(self, layer: str) -> Array | float:
        """Return the bias of every unit of a layer, (n,), or 0 where it has none."""
        return unit_biases(self.simulation.operators, self.params, layer)

    def _of_bias(self, name: str, units: Array) -> Array:
        """Return the sum of a value of every unit, (n,), over those that share a bias."""
        return self.simulation.operators[name].outer(np.ones((1, 1), units.dtype), units[None])

    def shaped(self, change: Params) -> Params:
        """Return a change in the shapes of the parameters, and 0 where there is no synapse."""
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
