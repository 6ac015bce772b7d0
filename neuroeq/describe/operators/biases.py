"""The biases of a layer: one for each unit, or one for each channel of a layer with a shape."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Params

from .operator import Operator, Product

Array = np.ndarray


def unit_biases(maps: Mapping[str, Operator], params: Params, layer: str) -> Array | float:
    """Return the bias of every unit of a layer, (n,), or 0 where it has none."""
    name = f"{layer}.bias"
    return maps[name].incoming(params[name]) if name in params else 0.0


class Biases(Operator):
    """The weights of one clamped unit of value 1, which the units of a channel share.

    Parameters
    ----------
    n_biases, n_units
        The number of biases, and of the units of the layer, channel by channel.
    """

    def __init__(self, n_biases: int, n_units: int) -> None:
        super().__init__((n_biases,), (1, n_units))
        self._each = self.copies = n_units // n_biases

    def bound(self, weight: Array, transposed: bool = False) -> Product:
        """Return the product of what the clamped unit sends, (m, 1), with the bias of every unit."""
        row = self.incoming(weight)
        return lambda sent, out: np.copyto(out, sent @ (row[:, None] if transposed else row[None]))

    def _outer(self, pre: Array, post: Array) -> Array:
        """Return the sum over samples, and over the units of each channel, of post: (n_biases,)."""
        return self.summed((pre.T @ post)[0])

    def incoming(self, weight: Array) -> Array:
        """Return the bias of every unit: (n_units,)."""
        return weight if self._each == 1 else np.repeat(weight, self._each)

    def summed(self, units: Array) -> Array:
        """Return the sum of a value over the units that share a bias: (..., n_biases), for (..., n_units)."""
        return units if self._each == 1 else units.reshape(*units.shape[:-1], -1, self._each).sum(axis=-1)
