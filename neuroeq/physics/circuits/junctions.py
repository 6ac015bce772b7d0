"""What the diodes at the nodes of a layer draw together.

i(v) = d(v - high) - d(low - v),   without a diode where its bias is infinite
"""

from __future__ import annotations

import numpy as np

from .circuit import Layer
from .diodes import IdealDiode, NoDiode

Array = np.ndarray


class Junctions:
    """The diodes of a layer, with the nodes that have one above and below.

    Parameters
    ----------
    layer
        The layer whose nodes have the diodes.
    """

    def __init__(self, layer: Layer) -> None:
        self.diode = layer.diode
        low, high = (np.broadcast_to(bias, layer.size) for bias in (layer.low, layer.high))
        smooth = not isinstance(layer.diode, NoDiode | IdealDiode)
        self.above = _chosen(np.isfinite(high) & smooth)
        self.below = _chosen(np.isfinite(low) & smooth)
        self.high, self.low = high[self.above], low[self.below]

    def current(self, v: Array) -> Array:
        """Return what the diodes draw from their nodes, as `v` (batch, n) [A]."""
        current = np.zeros_like(v)
        if self.high.size:
            current[:, self.above] += self.through_upper(v)
        if self.low.size:
            current[:, self.below] -= self.through_lower(v)
        return current

    def slope(self, v: Array) -> Array:
        """Return di/dv, as `v` (batch, n) [S]."""
        slope = np.zeros_like(v)
        if self.high.size:
            slope[:, self.above] += self.diode.slope(v[:, self.above] - self.high)
        if self.low.size:
            slope[:, self.below] += self.diode.slope(self.low - v[:, self.below])
        return slope

    def content(self, v: Array) -> Array:
        """Return the co-content of all diodes of a layer, (batch,) [W]."""
        upper = self.diode.content(v[:, self.above] - self.high).sum(axis=1)
        return upper + self.diode.content(self.low - v[:, self.below]).sum(axis=1)

    def within(self, v: Array, current: Array) -> Array:
        """Return `v` (batch, n) clipped to where no diode passes more than `current` (n,) [V]."""
        low, high = np.full(v.shape[1], -np.inf), np.full(v.shape[1], np.inf)
        high[self.above] = self.high + self.diode.drop(current[self.above])
        low[self.below] = self.low - self.diode.drop(current[self.below])
        return np.clip(v, low, high)

    def through_upper(self, v: Array) -> Array:
        """Return the currents from nodes to the upper biases, (batch, number of such diodes) [A]."""
        return self.diode.current(v[:, self.above] - self.high)

    def through_lower(self, v: Array) -> Array:
        """Return the currents from the lower biases to nodes, (batch, number of such diodes) [A]."""
        return self.diode.current(self.low - v[:, self.below])


def bounds(layer: Layer, dtype: np.dtype) -> tuple[Array, Array] | None:
    """Return the interval in which ideal diodes keep the nodes of a layer, numbers or (n,); None without."""
    if not isinstance(layer.diode, IdealDiode):
        return None
    return np.asarray(layer.low, dtype), np.asarray(layer.high, dtype)


def _chosen(mask: Array) -> slice | Array:
    """Return the places of a mask, as a slice where they are neighbours: views are faster than copies."""
    places = np.flatnonzero(mask)
    if len(places) and places[-1] - places[0] + 1 == len(places):
        return slice(int(places[0]), int(places[-1]) + 1)
    return places
