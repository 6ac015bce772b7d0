"""What a projection is to the engine: a linear map from what a layer sends to the drive of another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import prod

import numpy as np

Array = np.ndarray
Product = Callable[[Array, Array], None]
"""Writes what arrives, (m, n_to), into its second argument, for what is sent, (m, n_from)."""


class Operator(ABC):
    """The map  drive = A(W) sent  of the weights W of a projection, or of the biases of a layer.

    Its three products belong to one energy, -sum over samples of post . A(W) pre: `forward` and `backward` are its
    derivatives in `post` and in `pre`, so feedback is exactly symmetric, and `outer` is the one in W.

    Parameters
    ----------
    shape
        Shape of the weights.
    ends
        The number of units that send, and of units that receive: (n_pre, n_post).

    Attributes
    ----------
    copies
        The number of places and of averaged positions, or of units, that share each weight, padding included.
    places
        The number of places that the weights are applied at, one after the other if an array of them is used again.
    share
        The part of a weight that acts at each of its synapses: 1, or 1/4 where an average is taken.
    """

    copies, places, share = 1, 1, 1.0

    def __init__(self, shape: tuple[int, ...], ends: tuple[int, int]) -> None:
        self.shape, self.ends = shape, ends

    @property
    def products(self) -> int:
        """The number of multiplications in A(W) sent, of one sample."""
        return prod(self.ends)

    @property
    def synapses(self) -> Array:
        """The number of synapses that share each weight, in the shape of the weights."""
        return np.broadcast_to(self.copies, self.shape)

    @abstractmethod
    def bound(self, weight: Array, transposed: bool = False) -> Product:
        """Return the product with weights that stay as they are until the next call: forward, or backward."""

    @abstractmethod
    def _outer(self, pre: Array, post: Array) -> Array:
        """Return the sum over samples of d(post . A(W) pre)/dW, in the shape of W, for (m, n_pre) and (m, n_post)."""

    def outer(self, pre: Array, post: Array) -> Array:
        """Return the sum over samples, and over components, of d(post . A(W) pre)/dW, in the shape of W.

        Parameters
        ----------
        pre, post
            What both ends send: (..., m, n_pre) and (..., m, n_post).
        """
        return self._outer(pre.reshape(-1, self.ends[0]), post.reshape(-1, self.ends[1]))

    def forward(self, weight: Array, sent: Array) -> Array:
        """Return A(W) sent: (..., n_post), for (..., n_pre)."""
        return self._written(weight, sent, False)

    def backward(self, weight: Array, sent: Array) -> Array:
        """Return A(W)^T sent: (..., n_pre), for (..., n_post)."""
        return self._written(weight, sent, True)

    def matrix(self, weight: Array) -> Array:
        """Return the weights written out for all pairs of units: (n_pre, n_post)."""
        return self.forward(weight, np.eye(self.ends[0], dtype=weight.dtype))

    def incoming(self, weight: Array) -> Array:
        """Return the sum of the weights into each receiving unit: (n_post,)."""
        return self.forward(weight, np.ones((1, self.ends[0]), weight.dtype))[0]

    def outgoing(self, weight: Array) -> Array:
        """Return the sum of the weights from each sending unit: (n_pre,)."""
        return self.backward(weight, np.ones((1, self.ends[1]), weight.dtype))[0]

    def largest(self, weight: Array, pre: Array, post: Array) -> float:
        """Return the largest |A(W)_ij (pre_i - post_j)| of one sample, for (n_pre,) and (n_post,)."""
        return float(np.abs(self.matrix(weight) * (pre[:, None] - post)).max())

    def laid_out(self, weights: Array) -> Array:
        """Return weights as the devices of one array, (..., rows, columns), for (..., *shape)."""
        return weights

    def taken_in(self, array: Array) -> Array:
        """Return weights in their shape, (..., *shape), for the devices of one array: (..., rows, columns)."""
        return array

    def _written(self, weight: Array, sent: Array, transposed: bool) -> Array:
        kind, ends = np.result_type(weight, sent), self.ends[::-1] if transposed else self.ends
        out = np.empty((*sent.shape[:-1], ends[1]), kind)
        product = self.bound(weight.astype(kind, copy=False), transposed)
        product(sent.reshape(-1, ends[0]), out.reshape(-1, ends[1]))
        return out
