"""One batch of fused training in NumPy: arrays are allocated once, and both nudged phases are settled as one batch."""

from __future__ import annotations

import numpy as np

from ..equations import grounded
from .setting import VARIANTS, Rates, TrainedCircuit

Array = np.ndarray


class Batch:
    """Inference and learning for a batch of m samples, in arrays that are allocated once.

    h and o are the voltages of hidden and output nodes, (phases, m, n), with the free phase first.

    Parameters
    ----------
    training
        The training whose conductances and currents are changed.
    m
        Number of samples in the batch.
    """

    def __init__(self, training: TrainedCircuit, m: int) -> None:
        self.training, setting, dtype = training, training.setting, training.g1.dtype
        (n_sources, n_hidden), n_output = training.g1.shape, len(training.output_bias)
        signs, self.compared, self.w = VARIANTS[setting.variant]
        self.betas = np.array([0, *signs], dtype)[:, None, None] * dtype.type(setting.beta)
        self.held = setting.nudge == "held_current"
        self.sources = np.ones((m + 1, n_sources), dtype)
        self.sources[:m, 2 * training.n_input :] = setting.constants
        self.plus, self.minus, _ = np.split(self.sources[:m], [training.n_input, 2 * training.n_input], axis=1)
        self.h, self.drive, self.low, self.high = np.empty((4, len(self.betas), m, n_hidden), dtype)
        self.o, self.into, self.inverse = np.empty((3, len(self.betas), m, n_output), dtype)
        self.low[:], self.high[:] = training.low, training.high
        self.back, self.fed, self.change = (np.empty((n, n_hidden), dtype) for n in (n_output, m + 1, m + 1))
        self.decayed = [
            np.empty_like(g) if decay else g for g, decay in zip((training.g1, training.g2), setting.l1, strict=True)
        ]
        self.free, self.nudged = self._rows(slice(0, 1)), self._rows(slice(1, None))
        from scipy.linalg import get_blas_funcs

        self.gemm = get_blas_funcs("gemm", dtype=dtype)

    def settle(self, inputs: Array, targets: Array) -> bool:
        """Find the voltages in all phases; return whether conductances hold them."""
        training, (free_sweeps, nudged_sweeps) = self.training, self.training.setting.sweeps
        np.multiply(inputs, training.setting.gain, out=self.plus, casting="same_kind")
        np.negative(self.plus, out=self.minus)
        np.dot(self.sources, training.g1, out=self.fed)
        at_hidden = grounded(self.fed[-1] + training.g2.sum(axis=1), training.hidden_bias[None])
        at_output = training.g2.sum(axis=0)
        pulled = at_output + (0 * self.betas if self.held else self.betas)
        if not (at_hidden.min() > 0 and pulled.min() > 0):
            return False
        np.divide(training.g2.T, at_hidden, out=self.back)
        self.drive[:] = (self.fed[:-1] + training.hidden_bias) / at_hidden
        self.inverse[:], self.into[:] = 1 / pulled, training.output_bias
        self.at_hidden = at_hidden
        self.o[0] = 0
        for _ in range(free_sweeps):
            self._move_hidden(self.free)
            self._move_outputs(self.free)
        self.into += self.betas * self._aim(targets)
        self.h[1:], self.o[1:] = self.h[0], self.o[0]
        for _ in range(nudged_sweeps):
            self._move_outputs(self.nudged)
            self._move_hidden(self.nudged)
        return True

    def learn(self, rates: Rates) -> None:
        """Change conductances and currents."""
        training, m = self.training, self.h.shape[1]
        (a, b), scale = self.compared, self.w / (m * training.setting.beta)
        dh, do = self.h[a] - self.h[b], self.o[a] - self.o[b]
        q = (dh * (self.h[a] + self.h[b])).sum(axis=0) / 2
        r = (do * (self.o[a] + self.o[b])).sum(axis=0) / 2
        into_g2 = dh.T @ self.o[a] + self.h[b].T @ do - q[:, None] - r
        to_g1 = scale if training.velocity else scale * rates.g1
        np.multiply(dh, to_g1, out=self.change[:m])
        np.multiply(q, -to_g1, out=self.change[m])
        for g, decay, work in zip((training.g1, training.g2), training.setting.l1, self.decayed, strict=True):
            if decay:
                np.greater(g, 0, out=work, casting="unsafe")
                np.multiply(work, g.dtype.type(decay), out=work)
                np.subtract(g, work, out=g)
        if training.velocity:
            self._accelerate(training.velocity, scale, into_g2, dh, do, rates)
        else:
            self.gemm(1.0, self.sources.T, self.change.T, 1.0, training.g1, 0, 1, 1)
            training.g2 += scale * rates.g2 * into_g2
            if rates.hidden_bias or rates.output_bias:
                training.hidden_bias += scale * rates.hidden_bias * dh.sum(axis=0)
                training.output_bias += scale * rates.output_bias * do.sum(axis=0)
        np.clip(training.g1, *training.setting.g1_limits, out=training.g1)
        np.clip(training.g2, *training.setting.g2_limits, out=training.g2)
        for g, mask in zip((training.g1, training.g2), training.masks, strict=True):
            if mask is not None:
                g *= mask

    def _accelerate(
        self, velocity: tuple[Array, ...], scale: float, into_g2: Array, dh: Array, do: Array, rates: Rates
    ) -> None:
        """Change velocities, and with them conductances and currents."""
        training, momentum = self.training, self.training.setting.momentum
        v1, v2, v_hidden, v_output = velocity
        self.gemm(1.0, self.sources.T, self.change.T, momentum, v1, 0, 1, 1)
        for v, change in ((v2, into_g2), (v_hidden, dh.sum(axis=0)), (v_output, do.sum(axis=0))):
            v *= momentum
            v += scale * change
        moved = (training.g1, training.g2, training.hidden_bias, training.output_bias)
        for value, v, rate in zip(moved, velocity, rates, strict=True):
            value += v.dtype.type(rate) * v

    def _aim(self, targets: Array) -> Array:
        """Return what beta multiplies at each output node, (m, n_output)."""
        if not self.held:
            return targets
        off = targets - self.training.read(self.o[0])
        return np.concatenate([off, -off], axis=1) if self.training.setting.paired else off

    def _rows(self, phases: slice) -> list[Array]:
        """Return the arrays of some phases as one batch."""
        arrays = (self.h, self.drive, self.low, self.high, self.o, self.into, self.inverse)
        return [array[phases].reshape(-1, array.shape[-1]) for array in arrays]

    def _move_hidden(self, rows: list[Array]) -> None:
        h, drive, low, high, o, _, _ = rows
        np.dot(o, self.back, out=h)
        np.add(h, drive, out=h)
        # This is twice as fast as np.clip on arrays this small.
        np.maximum(h, low, out=h)
        np.minimum(h, high, out=h)
        if self.training.diodes is not None:
            h[:] = self.training.diodes.rest(h, self.at_hidden)

    def _move_outputs(self, rows: list[Array]) -> None:
        h, _, _, _, o, into, inverse = rows
        np.dot(h, self.training.g2, out=o)
        np.add(o, into, out=o)
        np.multiply(o, inverse, out=o)
