"""The resistors between two layers as a matrix of conductances, written out or not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neuroeq.describe.operators import Operator
from neuroeq.describe.operators.operator import Product

Array = np.ndarray


@dataclass(frozen=True)
class Coupling:
    """The currents into the nodes of a layer that voltages of a neighbour cause: v M.

    Parameters
    ----------
    operator
        The resistor array as a linear map.
    weight
        Its conductances, in the operator's shape. [S]
    transposed
        Whether the neighbour is the layer that the array leads to.
    """

    operator: Operator
    weight: Array
    transposed: bool = False

    @property
    def ends(self) -> tuple[int, int]:
        """The number of nodes of the neighbour and of the layer."""
        n_from, n_to = self.operator.ends
        return (n_to, n_from) if self.transposed else (n_from, n_to)

    @property
    def matrix(self) -> Array:
        """M written out, (n of the neighbour, n) [S]."""
        matrix = self.operator.matrix(self.weight)
        return matrix.T if self.transposed else matrix

    def arriving(self, voltages: Array) -> Array:
        """Return v M for the voltages of the neighbour, (batch, n) [A]."""
        current = np.empty((len(voltages), self.ends[1]), np.result_type(voltages, self.weight))
        self._product(voltages, current)
        return current

    @cached_property
    def _product(self) -> Product:
        return self.operator.bound(self.weight, self.transposed)
