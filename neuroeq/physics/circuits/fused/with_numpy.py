"""One batch of fused training in NumPy: arrays are allocated once, and both nudged phases are settled as one batch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..equations import grounded
from .setting import VARIANTS, Rates, TrainedCircuit

Array = np.ndarray


class Batch:
    """Inference and learning for a batch of m samples, in arrays that are allocated once.

    v and u are the voltages of the nodes of each layer, the output last, and what hidden layers show to the layer after
    them: (phases, m, n), with the free phase first.

    Parameters
    ----------
    training
        The training whose conductances and currents are changed.
    m
        Number of samples in the batch.
    """

    def __init__(self, training: TrainedCircuit, m: int) -> None:
        self.training, setting, dtype = training, training.setting, training.g[0].dtype
        signs, self.compared, self.w = VARIANTS[setting.variant]
        self.betas = np.array([0, *signs], dtype)[:, None, None] * dtype.type(setting.beta)
        self.held = setting.nudge == "held_current"
        self.sources = np.ones((m + 1, len(training.g[0])), dtype)
        self.sources[:m, 2 * training.n_input :] = setting.constants
        self.plus, self.minus, _ = np.split(self.sources[:m], [training.n_input, 2 * training.n_input], axis=1)
        shapes = [(len(self.betas), m, g.shape[1]) for g in training.g]
        self.v, self.into, self.inverse, self.work = ([np.empty(shape, dtype) for shape in shapes] for _ in range(4))
        self.u = [v if each is None else np.empty_like(v) for v, each in zip(self.v, training.amplifiers, strict=False)]
        self.back = [np.empty(g.T.shape, dtype) for g in training.g[1:]]
        self.fed, self.change = np.empty((2, m + 1, shapes[0][2]), dtype)
        self.decayed = [
            np.empty_like(g) if each.l1 else g for g, each in zip(training.g, setting.resistors, strict=True)
        ]
        from scipy.linalg import get_blas_funcs

        self.gemm = get_blas_funcs("gemm", dtype=dtype)

    def settle(self, inputs: Array, targets: Array) -> bool:
        """Find the voltages in all phases; return whether conductances hold them."""
        training, (free_sweeps, nudged_sweeps) = self.training, self.training.setting.sweeps
        np.multiply(inputs, training.setting.gain, out=self.plus, casting="same_kind")
        np.negative(self.plus, out=self.minus)
        np.dot(self.sources, training.g[0], out=self.fed)
        self.at_nodes = [self._at_hidden(layer) for layer in range(len(self.u))]
        pulled = training.g[-1].sum(axis=0) + (0 * self.betas if self.held else self.betas)
        if not all(each.min() > 0 for each in (*self.at_nodes, pulled)):
            return False
        self.inverse[-1][:], self.into[-1][:] = 1 / pulled, training.biases[-1]
        for v in self.v[1:]:
            v[0] = 0
        free, nudged, layers = slice(0, 1), slice(1, None), range(len(self.v))
        self._sweep(free, layers, free_sweeps)
        self.into[-1] += self.betas * self._aim(targets)
        for each in (*self.v, *self.u):
            each[1:] = each[0]
        self._sweep(nudged, layers[::-1], nudged_sweeps)
        return True

    def _at_hidden(self, layer: int) -> Array:
        """Return the conductances at the nodes of a hidden layer, and set what flows into them, and back from above."""
        training, after = self.training, self.training.g[layer + 1]
        amplifiers, leaving, current = training.amplifiers[layer], after.sum(axis=1), training.biases[layer]
        arriving = training.g[layer].sum(axis=0) if layer else self.fed[-1]
        back: Array = after.dtype.type(1)
        if amplifiers is not None:
            back, leaving = amplifiers.back, amplifiers.back * leaving
            current, leaving = current - amplifiers.lift * leaving, amplifiers.gain * leaving
        at_nodes = grounded(arriving + leaving, training.biases[layer][None])
        if not at_nodes.min() > 0:
            return at_nodes
        self.inverse[layer][:] = 1 / at_nodes
        np.multiply(after.T, back / at_nodes, out=self.back[layer])
        self.into[layer][:] = current
        if not layer:
            self.into[0][:] = (self.fed[:-1] + current) / at_nodes
        return at_nodes

    def _sweep(self, phases: slice, layers: Iterable[int], sweeps: int) -> None:
        def rows(arrays: list[Array]) -> list[Array]:
            return [array[phases].reshape(-1, array.shape[-1]) for array in arrays]

        v, u, into, inverse, work = (rows(each) for each in (self.v, self.u, self.into, self.inverse, self.work))
        for _ in range(sweeps):
            for layer in layers:
                fed = into[0]
                hidden = layer < len(u)
                if layer:
                    fed = work[layer] if hidden else v[layer]
                    np.dot(u[layer - 1], self.training.g[layer], out=fed)
                    np.add(fed, into[layer], out=fed)
                    np.multiply(fed, inverse[layer], out=fed)
                if hidden:
                    np.dot(v[layer + 1], self.back[layer], out=v[layer])
                    np.add(v[layer], fed, out=v[layer])
                    self._rest(layer, v[layer], u[layer])

    def _rest(self, layer: int, v: Array, u: Array) -> None:
        """Move nodes v of a hidden layer to where their diodes let them rest, and set what their amplifiers show."""
        (low, high), diodes = self.training.clamps[layer], self.training.diodes[layer]
        amplifiers = self.training.amplifiers[layer]
        # This is twice as fast as np.clip on arrays this small.
        np.maximum(v, low, out=v)
        np.minimum(v, high, out=v)
        if diodes is not None:
            v[:] = diodes.rest(v, self.at_nodes[layer])
        if amplifiers is not None:
            np.multiply(v, amplifiers.gain, out=u)
            np.add(u, amplifiers.lift, out=u)

    def learn(self, rates: Rates) -> None:
        """Change conductances and currents."""
        training, scales = self.training, self._scales()
        dv, squares = self._differences(self.v)
        du, squares_u = self._differences(self.u)
        moved = [*training.g, *training.biases]
        for g, array, work in zip(training.g, training.setting.resistors, self.decayed, strict=True):
            if array.l1:
                np.greater(g, 0, out=work, casting="unsafe")
                np.multiply(work, g.dtype.type(array.l1), out=work)
                np.subtract(g, work, out=g)
        paces = training.rates_of(rates)
        reach = [1.0] * len(moved) if training.velocity else paces
        keep, into = (training.setting.momentum, training.velocity) if training.velocity else (1.0, moved)
        self._set_change(scales[0] * reach[0], dv[0], squares[0])
        self.gemm(1.0, self.sources.T, self.change.T, keep, into[0], 0, 1, 1)
        n = len(training.g)
        for layer, (scale, each) in enumerate(zip(scales, dv, strict=True)):
            if layer:  # in the order in which arrays are stored
                change = self._contrast(layer, dv, squares, du, squares_u)
                _add(into[layer].T, keep, scale * reach[layer], change)
            if reach[n + layer]:
                _add(into[n + layer], keep, scale * reach[n + layer], each.sum(axis=0))
        if training.velocity:
            for value, v, rate in zip(moved, training.velocity, paces, strict=True):
                value += v.dtype.type(rate) * v
        for g, array, mask in zip(training.g, training.setting.resistors, training.masks, strict=True):
            np.clip(g, *array.limits, out=g)
            if mask is not None:
                g *= mask

    def changes(self) -> list[Array]:
        """Return the change of each array and then of the currents into each layer, for a learning rate of 1."""
        dv, squares = self._differences(self.v)
        du, squares_u = self._differences(self.u)
        scales = [each.dtype.type(scale) for each, scale in zip(dv, self._scales(), strict=True)]
        self._set_change(scales[0], dv[0], squares[0])
        later = [
            scale * self._contrast(layer, dv, squares, du, squares_u).T for layer, scale in enumerate(scales) if layer
        ]
        currents = [scale * each.sum(axis=0) for scale, each in zip(scales, dv, strict=True)]
        return [self.sources.T @ self.change, *later, *currents]

    def _set_change(self, scale: float, dv: Array, squares: Array) -> None:
        """Set what the sources and a row of ones below them are multiplied by."""
        np.multiply(dv, scale, out=self.change[:-1])
        np.multiply(squares, -scale, out=self.change[-1])

    def _scales(self) -> list[float]:
        """Return by what the contrast of each array is multiplied."""
        m, beta = self.v[0].shape[1], self.training.setting.beta
        return [self.w * factor / (m * beta) for factor in self.training.factors]

    def _contrast(
        self, layer: int, dv: list[Array], squares: list[Array], du: list[Array], below: list[Array]
    ) -> Array:
        """Return the contrast of an array after the first: (n_to, n_from)."""
        a, b = self.compared
        change: Array = self.v[layer][a].T @ du[layer - 1] + dv[layer].T @ self.u[layer - 1][b]
        change -= squares[layer][:, None] + below[layer - 1]
        return change

    def _differences(self, voltages: list[Array]) -> tuple[list[Array], list[Array]]:
        """Return the differences d between both phases, (m, n), and half the sums of d (a + b): (n,)."""
        a, b = self.compared
        found = [each[a] - each[b] for each in voltages]
        sums = [(d * (each[a] + each[b])).sum(axis=0) / 2 for d, each in zip(found, voltages, strict=True)]
        return found, sums

    def _aim(self, targets: Array) -> Array:
        """Return what beta multiplies at each output node, (m, n_output)."""
        if not self.held:
            return targets
        off = targets - self.training.read(self.v[-1][0])
        return np.concatenate([off, -off], axis=1) if self.training.setting.paired else off


def _add(into: Array, keep: float, scale: float, change: Array) -> None:
    """Add a change to what is kept of an array, in the array's own precision."""
    if keep != 1:
        into *= into.dtype.type(keep)
    into += into.dtype.type(scale) * change
