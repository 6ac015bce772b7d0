"""Dense projections: a weight for each pair of units."""

from __future__ import annotations

import numpy as np

from .operator import Operator, Product

Array = np.ndarray


class Dense(Operator):
    """All pairs of units: A(W) sent = sent W, and outer products pre^T post.

    Parameters
    ----------
    n_pre, n_post
        The number of units that send and that receive.
    """

    def __init__(self, n_pre: int, n_post: int) -> None:
        super().__init__((n_pre, n_post), (n_pre, n_post))

    def bound(self, weight: Array, transposed: bool = False) -> Product:
        """Return the matrix product with the weights, or with their transpose."""
        matrix = weight.T if transposed else weight

        def product(sent: Array, out: Array) -> None:
            np.matmul(sent, matrix, out=out)

        return product

    def _outer(self, pre: Array, post: Array) -> Array:
        """Return pre^T post: (n_pre, n_post)."""
        return pre.T @ post

    def forward(self, weight: Array, sent: Array) -> Array:
        """Return the matrix product with the weights: (..., n_post)."""
        return sent @ weight

    def backward(self, weight: Array, sent: Array) -> Array:
        """Return the matrix product with the transpose of the weights: (..., n_pre)."""
        return sent @ weight.T

    def matrix(self, weight: Array) -> Array:
        """Return the weights themselves."""
        return weight

    def incoming(self, weight: Array) -> Array:
        """Return the sum of the weights into each receiving unit: (n_post,)."""
        # A product with ones sums over rows five times faster than sum(axis=0).
        return np.ones(len(weight), weight.dtype) @ weight

    def outgoing(self, weight: Array) -> Array:
        """Return the sum of the weights from each sending unit: (n_pre,)."""
        return weight.sum(axis=1)
