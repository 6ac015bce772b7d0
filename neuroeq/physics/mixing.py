"""Anderson's mixing: a fixed point from the last few steps towards it, each sample for itself.

With f = g(x) - x for the map g, differences F of the last f and X of the last x,

    x <- x + f - (X + F) c,   c = argmin |f - F c|

which is GMRES where g is linear. Where g has kinks it may lead away: then a sample goes on from where it was by plain
steps, ever more of them. Walker & Ni 2011, SIAM J. Numer. Anal. 49:1715, doi:10.1137/10078356X.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray
MEMORY = 5
"""The number of differences that are kept."""
RIDGE = 1e-14
"""What is added to the squares of differences, as a fraction of their sum, where these are nearly dependent."""
PAUSE = 10
"""How many plain steps follow when mixing first leads away; each time, there are twice as many."""


class Mixing:
    """The past of a few samples on their way to a fixed point.

    Parameters
    ----------
    samples
        The number of samples.
    """

    def __init__(self, samples: int) -> None:
        self._last: tuple[Array, Array] | None = None
        self._past: list[tuple[Array, Array]] = []
        self._mixed = np.zeros(samples, bool)
        self._pause, self._next_pause = np.zeros(samples, int), np.full(samples, PAUSE)

    def mixed(self, before: Array, after: Array) -> Array:
        """Return the states to go on from, given what the map makes of states: all of them (samples, n)."""
        step = after - before
        if self._last is None:
            self._last = after, step
            return after
        led_away = self._mixed & (np.linalg.norm(step, axis=1) > np.linalg.norm(self._last[1], axis=1))
        after, step = (np.where(led_away[:, None], *each) for each in zip(self._last, (after, step), strict=True))
        self._past = [*self._past[1 - MEMORY :], (after - self._last[0], step - self._last[1])]
        for difference in (one for both in self._past for one in both):
            difference[led_away] = 0
        self._last = after, step
        self._pause = np.where(led_away, self._next_pause, np.maximum(self._pause - 1, 0))
        self._next_pause = np.where(led_away, 2 * self._next_pause, self._next_pause)
        self._mixed = self._pause == 0
        return np.where(self._mixed[:, None], self._ahead(after, step), after)

    def _ahead(self, after: Array, step: Array) -> Array:
        moves, turns = (np.stack(each) for each in zip(*self._past, strict=True))
        squares = np.einsum("kin,lin->ikl", turns, turns)
        ridge = RIDGE * np.trace(squares, axis1=1, axis2=2) + np.finfo(float).tiny
        onto = np.einsum("kin,in->ik", turns, step)
        parts = np.linalg.solve(squares + ridge[:, None, None] * np.eye(len(turns)), onto[..., None])[..., 0]
        return after - np.einsum("ik,kin->in", parts, moves)
