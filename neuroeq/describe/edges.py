"""Sparse projections: their matrix products run over the synapses that exist instead of over all pairs of units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .network import mask
from .spec import Network

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array = np.ndarray
SPARSE_BELOW = 0.1
"""Fraction of connected pairs below which sparse products are faster than dense ones at any batch size (measured)."""
CHUNK = 16_384
"""Number of synapses that are processed at a time, so that their factors stay in the cache."""


class Edges:
    """The synapses of a sparse projection.

    Parameters
    ----------
    connected
        Which pairs of units have a synapse: booleans (n_pre, n_post).
    """

    def __init__(self, connected: Array) -> None:
        self.shape = connected.shape
        self.pre, self.post = np.nonzero(connected)

    def matrix(self, weight: Array, transposed: bool) -> csr_array:
        """Return the weights (n_pre, n_post) as a sparse matrix (n_post, n_pre), or (n_pre, n_post) if transposed."""
        from scipy.sparse import csr_array

        rows, columns = (self.pre, self.post) if transposed else (self.post, self.pre)
        shape = self.shape if transposed else self.shape[::-1]
        return csr_array((weight[self.pre, self.post], (rows, columns)), shape)

    def outer(self, pre: Array, post: Array) -> Array:
        """Return pre^T post at the synapses and 0 elsewhere, (n_pre, n_post), for (m, n_pre) and (m, n_post)."""
        product = np.zeros(self.shape, np.result_type(pre, post))
        of_pre, of_post = np.ascontiguousarray(pre.T), np.ascontiguousarray(post.T)
        for start in range(0, len(self.pre), CHUNK):
            i, j = self.pre[start : start + CHUNK], self.post[start : start + CHUNK]
            product[i, j] = np.einsum("em,em->e", of_pre[i], of_post[j])
        return product


def sparse_edges(network: Network) -> dict[str, Edges]:
    """Return, by projection of a resolved network, the synapses of those that are sparse enough to gain speed."""
    edges = {}
    for name, projection in network.projections.items():
        connected = None if projection.connect is None else mask(network, name)
        if connected is not None and connected.mean() < SPARSE_BELOW:
            edges[name] = Edges(connected)
    return edges


def outer(edges: Edges | None, pre: Array, post: Array) -> Array:
    """Return pre^T post, (n_pre, n_post), for all pairs of units or, given the edges, at the synapses alone."""
    return pre.T @ post if edges is None else edges.outer(pre, post)
