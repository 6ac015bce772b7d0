"""Stochastic pruning: every update may remove small weights for good.

    p_ij = exp(-|W_ij| / T) / sum_i exp(-|W_ij| / T)      over the remaining edges into unit j
    W_ij <- 0    if |W_ij| <= below  and  p_ij > U_ij(0, 1)

A removed edge has a weight of exactly 0, so the weights themselves say which edges remain. Biases are not edges.
A weight that serves both directions is one edge, into the target of its projection. The numbers U are those that
`neuroeq.physics.engine.noise` defines, so that compiled code draws the same.

Farinha, Pequito, Santos & Figueiredo 2020, arXiv:2006.08798.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import bounds
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.recipe import Prune
from neuroeq.errors import SpecError
from neuroeq.physics.engine.noise import PRUNE, draw, number_of

Array = np.ndarray


class Pruning:
    """Remove edges of a network; the edges of projections that do not learn stay.

    Parameters
    ----------
    network
        The resolved network whose edges are removed.
    rule
        The largest weight that can be removed, and the temperature of the probability.

    Raises
    ------
    SpecError
        If the bounds of a projection exclude 0, or all its weights start at 0.
    """

    def __init__(self, network: Network, rule: Prune) -> None:
        self._network, self._rule = network, rule
        self._learning = [name for name, projection in network.projections.items() if projection.learning_rate]
        for name in self._learning:
            _check(network, name)

    def step(self, before: Params, after: Params, key: int) -> Params:
        """Return the parameters after an update, without removed edges; more edges may be removed now.

        Parameters
        ----------
        before, after
            The parameters before and after the update, by name.
        key
            The key of the numbers that decide which of the small weights are removed, as `key_of` returns it.
        """
        left = {name: np.where(before[name] == 0, 0, after[name]) for name in self._learning}
        pruned = {**after, **left}
        factors = self._factors(pruned)
        partition = self._gathered(np.add, {name: each.sum(axis=0) for name, each in factors.items()})
        for name, weight in left.items():
            projection = self._network.projections[name]
            chance = factors[name] / np.maximum(partition[projection.target], np.finfo(float).tiny)
            drawn = np.empty(weight.size)
            draw(drawn, "rand()", key, 0, number_of(name, PRUNE))
            goes = (np.abs(weight) <= self._rule.below) & (chance > drawn.reshape(weight.shape))
            if projection.source == projection.target and not projection.directed:
                goes = np.triu(goes)
                goes |= goes.T
            pruned[name] = np.where(goes, 0, weight)
        return pruned

    def edges(self, params: Params) -> int:
        """Return the number of remaining edges in all projections."""
        return sum(int(np.count_nonzero(params[name])) for name in self._network.projections)

    def _factors(self, params: Params) -> Params:
        """Return exp(-|W|/T) of every edge, over that of the smallest weight into its unit; 0 where there is none."""
        size = {name: np.where(params[name] == 0, np.inf, np.abs(params[name])) for name in self._network.projections}
        least = self._gathered(np.minimum, {name: each.min(axis=0) for name, each in size.items()})
        above = {
            name: each - np.where(np.isfinite(each), least[self._network.projections[name].target], 0.0)
            for name, each in size.items()
        }
        return {name: np.exp(-each / self._rule.temperature) for name, each in above.items()}

    def _gathered(self, join: np.ufunc, arriving: Params) -> Params:
        """Return what arrives at each unit by all projections into its layer, joined: (n_units,) by layer."""
        found: Params = {}
        for name, values in arriving.items():
            target = self._network.projections[name].target
            found[target] = join(found[target], values) if target in found else values
        return found


def key_of(rng: np.random.Generator) -> int:
    """Return the key of the random numbers of an update, drawn from the generator of its batch."""
    return int(rng.integers(2**64, dtype=np.uint64))


def _check(network: Network, name: str) -> None:
    interval, initial = bounds(network, name), network.projections[name].initial
    if interval is not None and not interval[0] < 0 < interval[1]:
        low, high = interval
        raise SpecError(
            f"{network.where}: training.prune is given, but projections.{name} keeps its weights from {low:g} to "
            f"{high:g}, where 0 is at the end of the range or outside it; use bounds on both sides of 0, or no prune."
        )
    if not initial.gain:
        raise SpecError(
            f"{network.where}: training.prune is given, but projections.{name}.initial.gain is 0, and a weight of 0 "
            "is a removed edge; start with other weights, or with learning_rate 0."
        )
