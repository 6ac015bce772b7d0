"""Synapses whose equations only integrate hebb, d(dw)/dt = c hebb: the factors of many steps, multiplied at once.

    hebb = 1/m sum over samples and terms of  pre_i post_j
    dw = c dt sum_t P_t^T Q_t / m = c dt [P_1; P_2; ...]^T [Q_1; Q_2; ...] / m

A factor that is constant in the phase (a clamped input) is taken out of the sum.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.describe.edges import Edges, outer

from .accumulator import Plasticity
from .plan import Key, Plastic
from .terms import constant_factor

Array = np.ndarray
TAPE_ROWS = 512
"""Rows before the tape is multiplied: enough for the product to be efficient, few enough to stay in cache."""


class Tape:
    """Factors of the last steps, stacked.

    Parameters
    ----------
    views
        What is taped: (batch, n), live.
    batch
        Samples at most.
    """

    def __init__(self, views: Mapping[Key, Array], batch: int) -> None:
        self._rows = max(TAPE_ROWS, batch)
        self._views = dict(views)
        self._kept = {key: np.empty((self._rows, view.shape[1]), view.dtype) for key, view in views.items()}
        self._end = 0

    def full(self, m: int) -> bool:
        """Whether there is no room for `m` more rows."""
        return self._end + m > self._rows

    def write(self, m: int) -> None:
        """Keep the factors of this step."""
        end = self._end + m
        for key, view in self._views.items():
            self._kept[key][self._end : end] = view[:m]
        self._end = end

    def product(self, pre: Key, post: Key, edges: Edges | None) -> Array:
        """Return the sum over the kept steps and samples of pre times post, where there are synapses."""
        return outer(edges, self._kept[pre][: self._end], self._kept[post][: self._end])

    def clear(self) -> None:
        """Start again."""
        self._end = 0


class Integrating:
    """Synapses whose equations only integrate hebb: nothing happens until the tape is multiplied.

    Parameters
    ----------
    plastics
        The projections.
    views
        Every factor they read: (batch, n), live.
    batch
        Samples at most.
    dt
        Step [s].
    """

    def __init__(self, plastics: list[Plastic], views: Mapping[Key, Array], batch: int, dt: float) -> None:
        self._plastics, self._dt = plastics, dt
        taped = {key for plastic in plastics for t in plastic.terms if not callable(t.pre) for key in (t.pre, t.post)}
        summed = {t.post for plastic in plastics for t in plastic.terms if callable(t.pre)}
        self._tape = Tape({key: views[key] for key in sorted(taped)}, batch)
        self._summed = {key: views[key] for key in sorted(summed)}
        self._sums = {key: np.zeros_like(view) for key, view in self._summed.items()}
        self._values: Mapping[str, Array] | None = None

    def start(self, values: Mapping[str, Array], plasticity: Plasticity) -> None:
        """Begin a phase with clamped `values` by layer: (m, n)."""
        if values is not self._values:
            self._values = values
            self._clamped = {
                (plastic.name, index): constant_factor(term.pre, values[plastic.source])
                for plastic in self._plastics
                for index, term in enumerate(plastic.terms)
                if callable(term.pre)
            }
        self._plasticity, self._m = plasticity, len(next(iter(values.values())))
        self._tape.clear()
        for total in self._sums.values():
            total.fill(0)

    def step(self) -> None:
        """Take note of this step."""
        if self._tape.full(self._m):
            self._multiply()
        self._tape.write(self._m)
        for key, view in self._summed.items():
            self._sums[key] += view

    def finish(self) -> None:
        """Hand what is noted to the accumulator, and forget it."""
        self._multiply()
        for plastic, factor in self._factors():
            for index, term in enumerate(plastic.terms):
                if callable(term.pre):
                    post = (factor * term.weight) * self._sums[term.post][: self._m]
                    self._plasticity.into.add_outer(plastic.name, self._clamped[plastic.name, index], post)
        for total in self._sums.values():
            total.fill(0)

    def _multiply(self) -> None:
        for plastic, factor in self._factors():
            for term in plastic.terms:
                if not callable(term.pre):
                    product = self._tape.product(term.pre, term.post, plastic.edges)
                    product *= factor * term.weight
                    self._plasticity.into.add(plastic.name, product)
        self._tape.clear()

    def _factors(self) -> list[tuple[Plastic, float]]:
        factors = []
        for plastic in self._plastics:
            slope = plastic.synapse.linear_gain(self._plasticity.gain)
            assert slope is not None
            factors.append((plastic, slope * self._dt / self._m))
        return factors
