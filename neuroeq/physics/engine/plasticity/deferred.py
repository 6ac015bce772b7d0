"""Synapses whose equations only integrate hebb, d(dw)/dt = c hebb: their change is computed for many steps at once.

    hebb = 1/m sum over samples and terms of  pre_i post_j
    dw = c dt sum_t P_t^T Q_t / m = c dt [P_1; P_2; ...]^T [Q_1; Q_2; ...] / m

The factors P_t and Q_t of every step are kept in a buffer, which is multiplied when it is full and at the end of the
phase. A factor that is constant during the phase (that of a clamped input) is taken out of the sum over the steps.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.describe.operators import Operator

from .accumulator import Plasticity
from .plan import Key, Plastic
from .terms import constant_factor

Array = np.ndarray
BUFFER_ROWS = 512
"""Rows of the buffer: enough for an efficient matrix product, and few enough to stay in the processor's cache."""


class FactorBuffer:
    """The factors of the last steps, stacked as rows.

    Parameters
    ----------
    views
        By factor: its values at the current step, (batch, n), which the simulation updates in place.
    batch
        Largest number of samples.
    """

    def __init__(self, views: Mapping[Key, Array], batch: int) -> None:
        self._size = max(BUFFER_ROWS, batch)
        self._views = dict(views)
        self._rows = {key: np.empty((self._size, view.shape[1]), view.dtype) for key, view in views.items()}
        self._end = 0

    def full(self, m: int) -> bool:
        """Whether there is no room for `m` more rows."""
        return self._end + m > self._size

    def append(self, m: int) -> None:
        """Append the factors of the first `m` samples at the current step."""
        end = self._end + m
        for key, view in self._views.items():
            self._rows[key][self._end : end] = view[:m]
        self._end = end

    def product(self, pre: Key, post: Key, operator: Operator) -> Array:
        """Return the sum over all rows of the factor `pre` times the factor `post`, in the shape of the weights.

        Parameters
        ----------
        pre, post
            The names of the two factors.
        operator
            The projection as a linear map.
        """
        return operator.outer(self._rows[pre][: self._end], self._rows[post][: self._end])

    def clear(self) -> None:
        """Remove all rows."""
        self._end = 0


class DeferredSynapses:
    """Synapses whose equations only integrate hebb, so that nothing is computed before the buffer is multiplied.

    Parameters
    ----------
    plastics
        The projections and biases of these synapses.
    views
        By factor: its values at the current step, (batch, n), which the simulation updates in place.
    batch
        Largest number of samples.
    dt
        Length of an integration step. [s]
    """

    def __init__(self, plastics: list[Plastic], views: Mapping[Key, Array], batch: int, dt: float) -> None:
        self._plastics, self._dt = plastics, dt
        terms = [term for plastic in plastics for term in plastic.terms]
        buffered = {key for term in terms if not callable(term.pre) for key in (term.pre, term.post)}
        summed = {term.post for term in terms if callable(term.pre)}
        self._buffer = FactorBuffer({key: views[key] for key in sorted(buffered)}, batch)
        self._summed = {key: views[key] for key in sorted(summed)}
        self._sums = {key: np.zeros_like(view) for key, view in self._summed.items()}
        self._values: Mapping[str, Array] = {}
        self._copies: dict[str, Array] = {}

    def start(self, values: Mapping[str, Array], plasticity: Plasticity) -> None:
        """Begin a phase.

        Parameters
        ----------
        values
            What clamped layers send, by layer: (m, n).
        plasticity
            The gain of the phase, and where the change goes.
        """
        if values is not self._values or not _equal(values, self._copies):
            self._values, self._copies = values, {layer: array.copy() for layer, array in values.items()}
            self._clamped_factors = {
                (plastic.name, index): constant_factor(term.pre, self._copies[plastic.source])
                for plastic in self._plastics
                for index, term in enumerate(plastic.terms)
                if callable(term.pre)
            }
        self._plasticity, self._m = plasticity, len(next(iter(values.values())))
        self._buffer.clear()
        for total in self._sums.values():
            total.fill(0)

    def step(self) -> None:
        """Keep the factors of the current step."""
        if self._buffer.full(self._m):
            self._multiply()
        self._buffer.append(self._m)
        for key, view in self._summed.items():
            self._sums[key] += view

    def finish(self) -> None:
        """Add the change so far to the accumulator, and start again at zero."""
        self._multiply()
        for plastic, factor in self._factors():
            for index, term in enumerate(plastic.terms):
                if callable(term.pre):
                    post = (factor * term.weight) * self._sums[term.post][: self._m]
                    self._plasticity.into.add_outer(plastic.name, self._clamped_factors[plastic.name, index], post)
        for total in self._sums.values():
            total.fill(0)

    def _multiply(self) -> None:
        for plastic, factor in self._factors():
            for term in plastic.terms:
                if not callable(term.pre):
                    product = self._buffer.product(term.pre, term.post, plastic.operator)
                    product *= factor * term.weight
                    self._plasticity.into.add(plastic.name, product)
        self._buffer.clear()

    def _factors(self) -> list[tuple[Plastic, float]]:
        """Return the projections, each with the factor c dt/m of its sum over steps and samples."""
        factors = []
        for plastic in self._plastics:
            slope = plastic.synapse.linear_gain(self._plasticity.gain)
            assert slope is not None
            factors.append((plastic, slope * self._dt / self._m))
        return factors


def _equal(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    """Whether two sets of arrays have the same names and values."""
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
