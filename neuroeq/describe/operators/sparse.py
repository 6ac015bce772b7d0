"""Sparse projections: their products run over the synapses that exist instead of over all pairs of units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .dense import Dense
from .operator import Product

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array = np.ndarray
SPARSE_BELOW = 0.1
"""Fraction of connected pairs below which sparse products are faster than dense ones at any batch size (measured)."""
CHUNK = 16_384
"""Number of synapses that are processed at a time, so that their factors stay in the cache."""


class Sparse(Dense):
    """The synapses of a sparse projection; weights are 0 where there is none.

    Parameters
    ----------
    connected
        Which pairs of units have a synapse: booleans (n_pre, n_post).
    """

    def __init__(self, connected: Array) -> None:
        super().__init__(*connected.shape)
        self.pre, self.post = np.nonzero(connected)

    @property
    def products(self) -> int:
        """The number of synapses."""
        return len(self.pre)

    def bound(self, weight: Array, transposed: bool = False) -> Product:
        """Return the product with the weights as a sparse matrix."""
        matrix = self._sparse(weight, transposed)
        return lambda sent, out: np.copyto(out, (matrix @ np.ascontiguousarray(sent.T)).T)

    def forward(self, weight: Array, sent: Array) -> Array:
        """Return A(W) sent: (m, n_post)."""
        return self._written(weight, sent, False)

    def backward(self, weight: Array, sent: Array) -> Array:
        """Return A(W)^T sent: (m, n_pre)."""
        return self._written(weight, sent, True)

    def _outer(self, pre: Array, post: Array) -> Array:
        """Return pre^T post at the synapses and 0 elsewhere: (n_pre, n_post)."""
        product = np.zeros(self.ends, np.result_type(pre, post))
        of_pre, of_post = np.ascontiguousarray(pre.T), np.ascontiguousarray(post.T)
        for start in range(0, len(self.pre), CHUNK):
            i, j = self.pre[start : start + CHUNK], self.post[start : start + CHUNK]
            product[i, j] = np.einsum("em,em->e", of_pre[i], of_post[j])
        return product

    def _sparse(self, weight: Array, transposed: bool) -> csr_array:
        """Return the weights as a sparse matrix (n_post, n_pre), or (n_pre, n_post) if transposed."""
        from scipy.sparse import csr_array

        rows, columns = (self.pre, self.post) if transposed else (self.post, self.pre)
        return csr_array((weight[self.pre, self.post], (rows, columns)), self.ends if transposed else self.ends[::-1])
