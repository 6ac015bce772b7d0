"""Momentum on the way to where states settle: the steps of a descent, each sample accelerated for itself.

    x' = clip(y + step(y)),   y = x + k/(k + 3) (x - x_before)       k steps after momentum was last given up

It is given up where it points against the step. Like plain steps it leaves saddles, which methods that look for fixed
points do not. Nesterov 1983, Soviet Math. Dokl. 27:372; O'Donoghue & Candes 2015, Found. Comput. Math. 15:715.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


class Momentum:
    """The momentum of a few samples.

    Parameters
    ----------
    states
        Where they begin: (samples, n).
    """

    def __init__(self, states: Array) -> None:
        self._last = states
        self._steps = np.zeros((len(states), 1))

    def beyond(self, before: Array, after: Array) -> Array:
        """Return the states to step from next, given those of the last step before and after it: (samples, n)."""
        moved = after - self._last
        against = np.einsum("ij,ij->i", after - before, moved) < 0
        self._steps = np.where(against[:, None], 0.0, self._steps + 1)
        self._last = after
        return after + self._steps / (self._steps + 3) * moved
