"""What a pulse law predicts of the next reading, pulse by pulse, and how far off it is.

A device holds a state w that one pulse moves, with cycle-to-cycle noise, and every reading y of it has its own noise:

    w' = w + d f(w) + sqrt(q) h(w) xi,      y = w + sqrt(r) s xi'

f is the step of the law, d = +-1, h its noise shape and s its step. The prediction goes by a scalar Kalman filter,

    P' = (1 + d f'(w))^2 (1 - K) P + q h^2,    S = P' + r s^2,    K = P'/S
    e = y' - w - d f(w),    w <- w + d f(w) + K e

so that the errors e are independent, with variance S. Without noise of reading K is 1, and e is the one-step increment
minus what the law expects of it: no error is carried on, and no simulation is needed. Where readings are noisy, plain
increments would flatten every curve, since the error of a reading enters the state and the step with opposite signs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from neuroeq.physics.devices.laws import Cells

from .curves import FEWEST, Curves
from .forms import FARTHEST, Form, Noise

Array = np.ndarray
SILENT = 1e-7
"""The standard deviation, as a fraction of a step, below which curves count as free of noise."""
DRAWS = 64
"""The number of noisy continuations of a curve, whose mean is what a law predicts of it."""
STEEPEST = 100.0
"""The largest constant of a shape."""
NEARBY = 1e-4
"""The distance in states over which the slope of a step is measured."""
SMALLEST = 1e-3
"""The smallest standard deviation of multiplicative noise, as a fraction of that of a whole step."""


@dataclass(frozen=True)
class NoiseModel:
    """The noise of pulses and readings.

    Parameters
    ----------
    kind
        How the noise of a pulse depends on its step.
    pulse, reading
        Standard deviations of the noise of a pulse and of a reading, as fractions of the step.
    add, slope
        What is added to the step in the noise of kind ``added``: a constant, and in proportion to the state.
    """

    kind: Noise
    pulse: float
    reading: float = 0.0
    add: float = 0.0
    slope: float = 0.0


class Model:
    """A form of law over the curves of some devices.

    The constants are one vector: those of the shape, then for each of `columns` one number per device.

    Parameters
    ----------
    form
        The form of the law.
    curves
        The curves that it is to predict.
    window
        The conductances that stand for the ends of the range. [S]
    fitted_ends
        Whether the lower limit of each device is among the constants, and whether the upper one is.
    limits
        The lowest and highest conductance of each device, where they are not among the constants: (2, devices). [S]
    """

    def __init__(
        self, form: Form, curves: Curves, window: tuple[float, float], fitted_ends: tuple[bool, bool], limits: Array
    ) -> None:
        self.form, self.curves, self.window = form, curves, window
        ends = [end for end, fitted in zip(("low", "high"), fitted_ends, strict=True) if fitted]
        self.columns = ["up", "down", *ends]
        self.n_shape, self.n_devices = len(form.shape), len(curves.names)
        self.w = self.states(curves.g)
        self.sign = np.where(curves.up, 1.0, -1.0)
        self.limits = self.states(limits)
        self.typical = float(np.nanmean(np.abs(np.diff(self.w, axis=1))))

    def states(self, g: Array) -> Array:
        """Return the states that stand for conductances [S]."""
        low, high = self.form.range
        return low + (g - self.window[0]) / (self.window[1] - self.window[0]) * (high - low)

    def conductances(self, w: Array) -> Array:
        """Return the conductances that stand for states [S]."""
        low, high = self.form.range
        return self.window[0] + (w - low) / (high - low) * (self.window[1] - self.window[0])

    def of(self, x: Array, column: str) -> Array:
        """Return one constant of all devices: (devices,); a limit that is not among the constants is given."""
        if column not in self.columns:
            return self.limits[0 if column == "low" else 1]
        start = self.n_shape + self.columns.index(column) * self.n_devices
        return x[start : start + self.n_devices]

    def start(self) -> Array:
        """Return constants to start from, which are the same for all devices."""
        shapes: list[float] = []
        found: dict[str, float] = {}
        before, step = self.w[:, :-1], np.diff(self.w, axis=1)
        for up, direction, end in ((True, "up", "high"), (False, "down", "low")):
            kept = np.isfinite(step) & (self.curves.up == up)[:, None] & self.inside(before)
            w, moved = before[kept], step[kept] * (1 if up else -1)
            found[direction], constants = self.form.start(w if up else sum(self.form.range) - w, moved)
            if self.form.bounded:
                found[end] = constants[0] if up else -constants[0]
            else:
                shapes += constants
        return np.array([*shapes, *np.repeat([found[column] for column in self.columns], self.n_devices)])

    def inside(self, before: Array) -> Array:
        """Whether states are a few steps away from the extremes of their device; all are, if few would be left."""
        margin = 3 * float(np.nanmedian(np.abs(np.diff(self.w, axis=1))))
        low, high = (limit[self.curves.device][:, None] for limit in self.limits)
        up = self.curves.up[:, None]
        return self.enough(np.where(up, before + margin < high, before - margin > low) & np.isfinite(before))

    def enough(self, kept: Array) -> Array:
        """Return which steps to keep: all of a device in a direction, where fewer than `FEWEST` would be left."""
        valid = np.isfinite(np.diff(self.w, axis=1))
        group = 2 * self.curves.device + self.curves.up
        left = np.bincount(group, (kept & valid).sum(axis=1), 2 * self.n_devices)
        return valid & (kept | (left < FEWEST)[group][:, None])

    def cells(self, x: Array) -> Cells:
        """Return the devices of curves, each as a column: (curves, 1)."""
        return Cells(*(self.of(x, column)[self.curves.device][:, None] for column in ("up", "down", "low", "high")))

    def mover(self, x: Array) -> tuple[Callable[[Array], Array], Array]:
        """Return what maps states, (curves, n), to how far a pulse moves them, and the whole steps: (curves, 1)."""
        law, cells, up = self.form.law(x[: self.n_shape]), self.cells(x), self.curves.up[:, None]
        step = np.where(up, cells.step_up, cells.step_down)
        return lambda w: np.broadcast_to(law.size(cells, w, up, step, 0.0), w.shape), step

    def sizes(self, x: Array, w: Array) -> tuple[Array, Array]:
        """Return how far a pulse moves states, as (curves, n), and the whole steps, (curves, 1)."""
        sizes, step = self.mover(x)
        return sizes(w), step

    def spread(self, noise: NoiseModel, size: Array, step: Array, w: Array) -> Array:
        """Return the shape h of the noise of a pulse: of the shape of the states."""
        step = np.maximum(np.abs(step), SMALLEST * self.typical)
        if noise.kind == "additive":
            return np.broadcast_to(step, np.shape(w))
        floor = SMALLEST * step
        if noise.kind == "multiplicative":
            return np.maximum(np.abs(size), floor)
        return np.maximum(np.abs(size) + noise.add + noise.slope * np.abs(w), floor)

    def step(self, x: Array) -> float:
        """Return the mean step of the devices, in which the noise of readings counts."""
        return float(np.mean(np.maximum(np.abs(self.of(x, "up")), np.abs(self.of(x, "down")))))

    def filtered(self, x: Array, noise: NoiseModel) -> tuple[Array, Array, Array, Array]:
        """Return errors, their variances, the gains, and the states before each pulse: (curves, pulses) each."""
        q, r = noise.pulse**2, (noise.reading * self.step(x)) ** 2
        if not r:
            before = self.w[:, :-1]
            size, step = self.sizes(x, before)
            error = np.diff(self.w, axis=1) - self.sign[:, None] * size
            return error, q * self.spread(noise, size, step, before) ** 2, np.ones_like(error), before
        columns = list(self._filter(x, noise, q, r))
        error, variance, gain, before = (np.stack(each, axis=1) for each in zip(*columns, strict=True))
        return error, variance, gain, before

    def _filter(self, x: Array, noise: NoiseModel, q: float, r: float) -> Iterator[tuple[Array, Array, Array, Array]]:
        w, p, (sizes, step) = self.w[:, 0], np.full(len(self.w), r), self.mover(x)
        for read in self.w.T[1:]:
            size, nearby = sizes(w[:, None]), sizes(w[:, None] + NEARBY)
            p = (
                p * (1 + self.sign * (nearby - size)[:, 0] / NEARBY) ** 2
                + q * self.spread(noise, size, step, w[:, None])[:, 0] ** 2
            )
            variance = p + r
            gain = p / variance
            expected = w + self.sign * size[:, 0]
            yield read - expected, variance, gain, w
            w, p = expected + gain * (read - expected), (1 - gain) * p

    def errors(self, x: Array, gain: Array) -> Array:
        """Return the errors for given gains: (curves, pulses)."""
        if (gain == 1).all():
            before = self.w[:, :-1]
            return np.diff(self.w, axis=1) - self.sign[:, None] * self.sizes(x, before)[0]
        error, w, (sizes, _) = np.empty_like(gain), self.w[:, 0], self.mover(x)
        for turn, read in enumerate(self.w.T[1:]):
            expected = w + self.sign * sizes(w[:, None])[:, 0]
            error[:, turn] = read - expected
            w = expected + gain[:, turn] * error[:, turn]
        return error

    def unhindered(self, x: Array, noise: NoiseModel, before: Array, gain: Array) -> Array:
        """Whether a pulse is three standard deviations away from being cut off at a limit: (curves, pulses).

        Which steps are left out depends on where a device is before them, so those that are kept are not biased. Where
        readings are noisy, a curve that has once come near the limit that it goes to counts as stopped.
        """
        size, step = self.sizes(x, before)
        state = gain * (noise.reading * self.step(x)) ** 2
        reach = 3 * np.sqrt((noise.pulse * self.spread(noise, size, step, before)) ** 2 + state)
        after, cells, up = before + self.sign[:, None] * size, self.cells(x), self.curves.up[:, None]
        slack = 1e-9 * (self.form.range[1] - self.form.range[0])
        below, above = after + reach <= cells.high + slack, after - reach >= cells.low - slack
        ahead = np.where(up, below, above)
        if noise.reading:
            ahead = np.logical_and.accumulate(ahead, axis=1)
        return self.enough(ahead & np.where(up, above, below))

    def allowed(self, x: Array) -> bool:
        """Whether constants are those of a device: steps forward, limits around the data, and no extreme curvature."""
        width, span = self.form.range[1] - self.form.range[0], self.curves.span
        steps = np.concatenate([self.of(x, "up"), self.of(x, "down")])
        good = bool(np.all((steps > 0) & (steps < width)) and np.all(np.abs(x[: self.n_shape]) < STEEPEST))
        g = self.curves.g
        far = self.states(np.array([np.nanmin(g) - FARTHEST * span, np.nanmax(g) + FARTHEST * span]))
        if "low" in self.columns:
            good &= bool(np.all((self.of(x, "low") < 0) & (self.of(x, "low") > far[0])))
        if "high" in self.columns:
            good &= bool(np.all((self.of(x, "high") > 0) & (self.of(x, "high") < far[1])))
        return good

    def followed(self, x: Array, noise: NoiseModel) -> Array:
        """Return the mean states in which the law continues the first reading of each curve: (curves, pulses + 1).

        It is the mean over many devices with noise of the pulses, since noise that limits cut off shifts the mean.
        """
        rng, cells, (sizes, step) = np.random.default_rng(0), self.cells(x), self.mover(x)
        w = np.repeat(self.w[:, :1], DRAWS if noise.pulse > SILENT else 1, axis=1)
        means = [w.mean(axis=1)]
        for _ in range(self.w.shape[1] - 1):
            size = sizes(w)
            scatter = noise.pulse * self.spread(noise, size, step, w) * rng.standard_normal(w.shape)
            w = np.clip(w + self.sign[:, None] * size + scatter, cells.low, cells.high)
            means.append(w.mean(axis=1))
        return np.stack(means, axis=1)
