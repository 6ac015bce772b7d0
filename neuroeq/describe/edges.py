"""Projections that connect few of their pairs: products over the synapses that are there, instead of over all pairs."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from .network import mask
from .spec import Network

Array = np.ndarray
SPARSE_BELOW = 0.1
"""Share of connected pairs below which sparse products take less time than dense ones, at any batch (measured)."""
CHUNK = 16_384
"""Synapses that are gathered at a time: their factors stay in cache."""


class Edges:
    """The synapses of a sparse projection.

    Parameters
    ----------
    connected
        (n_pre, n_post) booleans.
    """

    def __init__(self, connected: Array) -> None:
        self.shape = connected.shape
        self.pre, self.post = np.nonzero(connected)

    def matrix(self, weight: Array, transposed: bool) -> csr_array:
        """Return the weights, (n_pre, n_post), as a sparse (target, source) matrix; transposed, (source, target)."""
        rows, columns = (self.pre, self.post) if transposed else (self.post, self.pre)
        shape = self.shape if transposed else self.shape[::-1]
        return csr_array((weight[self.pre, self.post], (rows, columns)), shape)

    def outer(self, pre: Array, post: Array) -> Array:
        """Return pre^T post where there are synapses, 0 elsewhere: (n_pre, n_post) of (m, n_pre) and (m, n_post)."""
        product = np.zeros(self.shape, np.result_type(pre, post))
        of_pre, of_post = np.ascontiguousarray(pre.T), np.ascontiguousarray(post.T)
        for start in range(0, len(self.pre), CHUNK):
            i, j = self.pre[start : start + CHUNK], self.post[start : start + CHUNK]
            product[i, j] = np.einsum("em,em->e", of_pre[i], of_post[j])
        return product


def sparse_edges(network: Network) -> dict[str, Edges]:
    """Return the synapses of those projections of a resolved network that are sparse enough to gain from it."""
    found = {}
    for name, projection in network.projections.items():
        connected = None if projection.connect is None else mask(network, name)
        if connected is not None and connected.mean() < SPARSE_BELOW:
            found[name] = Edges(connected)
    return found


def outer(edges: Edges | None, pre: Array, post: Array) -> Array:
    """Return pre^T post, (n_pre, n_post): of all pairs, or of synapses alone."""
    return pre.T @ post if edges is None else edges.outer(pre, post)
