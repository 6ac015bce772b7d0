"""Stochastic pruning: at every update, small weights may be removed for good.

    p_ij = exp(-|W_ij| / T) / sum_i exp(-|W_ij| / T)      over the edges that are left into unit j
    W_ij <- 0    if |W_ij| <= below  and  p_ij > U(0, 1)

A removed edge has a weight of exactly 0, so the weights themselves tell which edges are left. Biases are not edges. A
weight that serves both directions is one edge, into the target of its projection.

Farinha, Pequito, Santos & Figueiredo 2020, arXiv:2006.08798.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import bounds
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.recipe import Prune
from neuroeq.errors import SpecError

Array = np.ndarray


class Pruning:
    """Removes edges of the projections that learn.

    Parameters
    ----------
    network
        The resolved network, whose edges are removed.
    rule
        Which weights are small enough to be removed, and how likely that is.

    Raises
    ------
    SpecError
        If a weight of 0 cannot stand for a removed edge, or all weights are 0 at the start.
    """

    def __init__(self, network: Network, rule: Prune) -> None:
        self._network, self._rule = network, rule
        self._learning = [name for name, projection in network.projections.items() if projection.learning_rate]
        for name in self._learning:
            _check(network, name)

    def step(self, before: Params, after: Params, rng: np.random.Generator) -> Params:
        """Return the parameters after an update, without the edges that are removed before or by it.

        Parameters
        ----------
        before, after
            The parameters before and after the update.
        rng
            The generator that draws which edges are removed.
        """
        remaining = {name: np.where(before[name] == 0, 0, after[name]) for name in self._learning}
        kept = {**after, **remaining}
        partition = self._partition(kept)
        for name, weight in remaining.items():
            projection = self._network.projections[name]
            chance = self._factor(weight) / np.maximum(partition[projection.target], np.finfo(float).tiny)
            removed = (np.abs(weight) <= self._rule.below) & (chance > rng.random(weight.shape))
            if projection.source == projection.target and not projection.directed:
                removed = np.triu(removed)
                removed |= removed.T
            kept[name] = np.where(removed, 0, weight)
        return kept

    def edges(self, params: Params) -> int:
        """Return how many edges are left."""
        return sum(int(np.count_nonzero(params[name])) for name in self._network.projections)

    def _factor(self, weight: Array) -> Array:
        return np.exp(-np.abs(weight) / self._rule.temperature) * (weight != 0)

    def _partition(self, params: Params) -> Mapping[str, Array]:
        """Return the sum of the factors over the edges into each unit, by layer: (n,)."""
        sums: dict[str, Array] = {}
        for name, projection in self._network.projections.items():
            arriving = self._factor(params[name]).sum(axis=0)
            sums[projection.target] = sums.get(projection.target, 0.0) + arriving
        return sums


def _check(network: Network, name: str) -> None:
    interval, initial = bounds(network, name), network.projections[name].initial
    if interval is not None and not interval[0] < 0 < interval[1]:
        low, high = interval
        raise SpecError(
            f"{network.where}: training.prune is given, but projections.{name} keeps its weights from {low:g} to "
            f"{high:g}, where a weight of 0 cannot stand for a removed edge; use bounds on both sides of 0, or leave "
            "prune out."
        )
    if not initial.gain:
        raise SpecError(
            f"{network.where}: training.prune is given, but projections.{name}.initial.gain is 0, and a weight of 0 "
            "stands for an edge that was removed; start with other weights, or with learning_rate 0."
        )
