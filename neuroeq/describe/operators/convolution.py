"""Convolutional projections: one kernel for each pair of channels, shared by all positions.

    A(W) x = pool(conv(x, W)),   conv(x, W)_o(y) = sum over channels c and offsets d of  x_c(s y - p + d) W_oc(d)

with stride s and padding p.

Average pooling over 2 x 2 positions makes of it another convolution, whose kernel U is wider by the stride and moves
twice as far:  U_oc(d) = 1/4 sum over a in {0, 1}^2 of  W_oc(d - s a). All products are those of U, by one matrix
product over the patches of all positions; the derivative in W is that in U, summed over the four places of each weight.

Units are in the order channel, row, column.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ..spec.convolution import Geometry
from .operator import Operator, Product

Array = np.ndarray
PATCHES = 2**20
"""The largest number of values in the patches that are processed at a time, so that they stay in the cache."""


class Convolution(Operator):
    """A convolution, with or without average pooling; its weights are (channels after, channels before, k, k).

    Parameters
    ----------
    geometry
        How its kernels move over the layer that sends.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        shape = (geometry.after[0], geometry.before[0], geometry.kernel, geometry.kernel)
        super().__init__(shape, (prod(geometry.before), prod(geometry.after)))
        self.share = 0.25 if geometry.pooled else 1.0
        self.copies = self.places = round(geometry.positions / self.share)
        self._patch = geometry.width**2 * geometry.before[0]
        self._at_once = max(1, PATCHES // (self._patch * geometry.positions))

    @property
    def products(self) -> int:
        """The number of multiplications with the kernels that also take the average."""
        return self._patch * self.geometry.positions * self.shape[0]

    @property
    def synapses(self) -> Array:
        """The number of synapses that share each weight: none leads from padding."""
        ones = (np.ones((1, n)) for n in self.ends)
        return np.rint(self.outer(*ones) / self.share).astype(int)

    def bound(self, weight: Array, transposed: bool = False) -> Product:
        """Return the product with the kernels, forward or backward, a few samples at a time."""
        kernel = self._widened(weight)
        write = self._backward if transposed else self._forward
        if transposed:
            kernel = np.ascontiguousarray(kernel.T)
        work = _Work(self.geometry, self._at_once, weight.dtype)

        def product(sent: Array, out: Array) -> None:
            for start in range(0, len(sent), self._at_once):
                some = slice(start, start + self._at_once)
                write(kernel, sent[some], out[some], work)

        return product

    def _outer(self, pre: Array, post: Array) -> Array:
        """Return the sum over samples and positions of the patches of `pre` times `post`."""
        work = _Work(self.geometry, self._at_once, np.result_type(pre, post))
        total = np.zeros((self._patch, self.shape[0]), work.dtype)
        for start in range(0, len(pre), self._at_once):
            some = slice(start, start + self._at_once)
            total += work.patches(pre[some]).T @ work.by_position(post[some])
        return self._narrowed(total)

    def largest(self, weight: Array, pre: Array, post: Array) -> float:
        """Return the largest |A(W)_ij (pre_i - post_j)| of one sample, position by position."""
        work = _Work(self.geometry, 1, np.result_type(weight, pre))
        there = work.patches(np.ones_like(pre)[None]) != 0
        drop = work.patches(pre[None])[:, :, None] - work.by_position(post[None])[:, None]
        return float(np.abs(drop * self._widened(weight) * there[:, :, None]).max())

    def laid_out(self, weights: Array) -> Array:
        """Return kernels as an array of what a place sees, row by row, for each channel after: (..., rows, columns)."""
        rows = weights.reshape(*weights.shape[:-4], self.shape[0], -1)
        return np.ascontiguousarray(np.swapaxes(rows, -1, -2))

    def taken_in(self, array: Array) -> Array:
        """Return kernels, (..., channels after, channels before, k, k), for such an array."""
        return np.ascontiguousarray(np.swapaxes(array, -1, -2)).reshape(*array.shape[:-2], *self.shape)

    def _forward(self, kernel: Array, sent: Array, out: Array, work: _Work) -> None:
        arriving = work.patches(sent) @ kernel
        channels = self.geometry.after[0]
        out.reshape(len(sent), channels, -1)[:] = arriving.reshape(len(sent), -1, channels).swapaxes(1, 2)

    def _backward(self, kernel: Array, sent: Array, out: Array, work: _Work) -> None:
        work.gather(work.by_position(sent) @ kernel, out)

    def _widened(self, weight: Array) -> Array:
        """Return U as a matrix: (patch, channels after), for W of the shape of the weights."""
        geometry, k = self.geometry, self.geometry.kernel
        wide = np.zeros((geometry.width, geometry.width, geometry.before[0], geometry.after[0]), weight.dtype)
        for y, x in _shifts(geometry):
            wide[y : y + k, x : x + k] += weight.transpose(2, 3, 1, 0) * weight.dtype.type(self.share)
        return wide.reshape(self._patch, -1)

    def _narrowed(self, wide: Array) -> Array:
        """Return the derivative in W: the shape of the weights, for that in U, (patch, channels after)."""
        geometry, k = self.geometry, self.geometry.kernel
        parts = wide.reshape(geometry.width, geometry.width, geometry.before[0], geometry.after[0])
        total = sum(parts[y : y + k, x : x + k] for y, x in _shifts(geometry))
        return np.ascontiguousarray(np.transpose(total, (3, 2, 0, 1))) * wide.dtype.type(self.share)


class _Work:
    """Memory for the products of some samples: layers with their channels last, and patches."""

    def __init__(self, geometry: Geometry, samples: int, dtype: np.dtype) -> None:
        self.dtype, self._geometry, self._samples = np.dtype(dtype), geometry, samples
        self._layer = np.zeros((samples, *geometry.padded, geometry.before[0]), dtype)
        y, x = (slice(geometry.padding, size - geometry.padding) for size in geometry.padded)
        self._inside = self._layer[:, y, x]
        width, step = geometry.width, geometry.step
        each, down, right, channel = self._layer.strides
        self._windows = np.lib.stride_tricks.as_strided(
            self._layer,
            (samples, *geometry.after[1:], width, width, geometry.before[0]),
            (each, step * down, step * right, down, right, channel),
        )
        self._patches = np.empty(self._windows.shape, dtype)

    def patches(self, sent: Array) -> Array:
        """Return what each position sees of a layer: (samples x positions, patch)."""
        m = len(sent)
        self._inside[:m] = sent.reshape(m, *self._geometry.before).transpose(0, 2, 3, 1)
        self._patches[:m] = self._windows[:m]
        return self._patches[:m].reshape(m * self._geometry.positions, -1)

    def by_position(self, received: Array) -> Array:
        """Return the units of the layer that receives by position: (samples x positions, channels)."""
        channels = self._geometry.after[0]
        return received.reshape(len(received), channels, -1).swapaxes(1, 2).reshape(-1, channels)

    def gather(self, patches: Array, out: Array) -> None:
        """Write the sums over all positions that see a unit, (samples, n_pre), of patches as `patches` returns them."""
        geometry, m = self._geometry, len(out)
        self._layer[:m] = 0
        parts = patches.reshape(m, *geometry.after[1:], geometry.width, geometry.width, geometry.before[0])
        reach = [geometry.step * (n - 1) + 1 for n in geometry.after[1:]]
        for y in range(geometry.width):
            for x in range(geometry.width):
                rows, columns = (slice(at, at + n, geometry.step) for at, n in zip((y, x), reach, strict=True))
                self._layer[:m, rows, columns] += parts[:, :, :, y, x]
        out.reshape(m, *geometry.before)[:] = self._inside[:m].transpose(0, 3, 1, 2)


def _shifts(geometry: Geometry) -> list[tuple[int, int]]:
    """Return the shifts of the kernel whose average is taken."""
    along = (0, geometry.stride) if geometry.pooled else (0,)
    return [(y, x) for y in along for x in along]
