"""From the constants of devices to those of the technology: means, spreads, and their confidence intervals.

The constants of device i are estimated with an error of variance v, and differ from device to device with variance t^2:

    t^2 = var_i(estimates) - v,        variance of a mean of n devices = v_mean + t^2/n

Numbers that follow from several means, such as the step from the sizes up and down, take their variance from all of
them to first order, and that from t^2 has n - 1 degrees of freedom (Welch and Satterthwaite). Intervals cover 95 %.

In `draw_cells` a device's step s and asymmetry a are drawn, and its steps up and down have the mean s (1 - |a|/2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm, t

from .estimation import Ends, Estimate, elsewhere, turning_errors
from .noise import deviations

Array = np.ndarray
TAIL = 0.025
LIKELIER = 2.0
"""The gain in log-likelihood for which steps count as log-normally distributed."""


@dataclass(frozen=True)
class Constant:
    """A constant with its 95 % confidence interval.

    Parameters
    ----------
    name
        The key in the table of the law, or ``g_min`` or ``g_max``.
    value
        The estimate. [S] for the window.
    low, high
        The ends of the interval; NaN where the data give none, since there is one device only, or it was given.
    """

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Population:
    """The constants of a technology.

    Parameters
    ----------
    constants
        The constants of the law and the window, with their intervals.
    lognormal
        Whether steps are distributed log-normally from device to device.
    """

    constants: tuple[Constant, ...]
    lognormal: bool

    def value(self, name: str) -> float:
        """Return the value of a constant; 0 for a spread that the data do not show."""
        return next((constant.value for constant in self.constants if constant.name == name), 0.0)


@dataclass(frozen=True)
class Spread:
    """One number of all devices.

    Parameters
    ----------
    values
        The estimates for all devices: (devices,).
    error
        The variance of the error of an estimate, without the part that all devices share.
    """

    values: Array
    error: float

    @property
    def variance(self) -> float:
        """The variance from device to device."""
        return max(self._observed - self.error, 0.0)

    @property
    def _observed(self) -> float:
        return float(self.values.var(ddof=1)) if len(self.values) > 1 else 0.0

    def interval(self) -> tuple[float, float]:
        """Return the interval of the standard deviation from device to device."""
        free = len(self.values) - 1
        ends = self._observed * free / chi2.ppf([1 - TAIL, TAIL], free)
        low, high = np.sqrt(np.maximum(ends - self.error, 0))
        return float(low), float(high)


def population(found: Estimate, ends: Ends) -> Population:
    """Return the constants of the technology that devices belong to.

    Parameters
    ----------
    found
        The constants of the devices.
    ends
        The lowest and the highest conductance of the window, where they are given. [S]
    """
    names, devices, transform = _numbers(found)
    covariance = transform @ found.covariance @ transform.T
    n = found.model.n_devices
    lognormal = n > 1 and _lognormal(devices[0])
    if lognormal:
        scale = np.ones(len(covariance))
        scale[:n] = 1 / devices[0]
        covariance, devices = covariance * np.outer(scale, scale), [np.log(devices[0]), *devices[1:]]
    blocks = [slice(k * n, (k + 1) * n) for k in range(len(devices))]
    spreads = [Spread(d, _own_error(covariance[block, block])) for d, block in zip(devices, blocks, strict=True)]
    technology = _Technology(found, ends, names, spreads, lognormal, _averaged(covariance, n, len(devices)))
    constants = technology.constants()
    return Population((*constants, *_noise(found, technology.step_error), *technology.spreads_found()), lognormal)


def _numbers(found: Estimate) -> tuple[list[str], list[Array], Array]:
    """Return the numbers of devices (mean step, asymmetry, fitted limits), and their derivatives by the constants."""
    model, x = found.model, found.x
    n, m = model.n_devices, model.n_shape
    up, down = model.of(x, "up"), model.of(x, "down")
    stronger = up >= down
    asymmetry = np.where(stronger, 1 - down / up, up / down - 1)
    limits = model.columns[2:]
    transform = np.zeros(((2 + len(limits)) * n + m, len(x)))
    for i in range(n):
        at_up, at_down = m + i, m + n + i
        transform[i, [at_up, at_down]] = 0.5
        slopes = (down[i] / up[i] ** 2, -1 / up[i]) if stronger[i] else (1 / down[i], -up[i] / down[i] ** 2)
        transform[n + i, [at_up, at_down]] = slopes
    rest = np.arange(2 * n, (2 + len(limits)) * n)
    transform[rest, m + rest] = 1
    transform[np.arange(m) + (2 + len(limits)) * n, np.arange(m)] = 1
    return limits, [(up + down) / 2, asymmetry, *(model.of(x, limit) for limit in limits)], transform


def _own_error(block: Array) -> float:
    """Return the variance of an error of one device, without the part that all devices share."""
    n = len(block)
    mean = float(np.diag(block).mean())
    return mean if n == 1 else mean - float((block.sum() - np.trace(block)) / (n * (n - 1)))


def _averaged(covariance: Array, n: int, groups: int) -> Array:
    """Return the covariance of the means over devices, followed by the constants of the shape."""
    average = np.zeros((groups + len(covariance) - groups * n, len(covariance)))
    for group in range(groups):
        average[group, group * n : (group + 1) * n] = 1 / n
    average[np.arange(groups, len(average)), np.arange(groups * n, len(covariance))] = 1
    averaged: Array = average @ covariance @ average.T
    return averaged


def _lognormal(steps: Array) -> bool:
    if np.any(steps <= 0) or len(steps) < 3:
        return False
    logs = np.log(steps)
    normal, other = -np.log(steps.std() + 1e-300), -np.log(logs.std() + 1e-300) - logs.mean()
    return bool(len(steps) * (other - normal) > LIKELIER)


def _noise(found: Estimate, step_error: float) -> list[Constant]:
    """Return the constants of the noise, which are fractions of a step that has a relative error of its own."""
    keys = {"pulse": "sigma_c2c", "reading": "write_noise", "add": "noise_add", "slope": "noise_slope"}
    errors = deviations(found.model, found.x, found.noise, found.kept) if found.noise.pulse > 1e-9 else {}
    z, constants = norm.ppf(1 - TAIL), []
    for name, key in keys.items():
        value = getattr(found.noise, name)
        if value or name == "pulse" or (name == "add" and found.noise.kind == "added"):
            own = 0.0 if found.noise.kind == "multiplicative" else step_error * value
            error = z * float(np.hypot(errors.get(name, 0.0), own))
            constants.append(Constant(key, value, max(value - error, 0.0), value + error))
    return constants


class _Technology:
    """The constants of a technology as functions of the means over its devices, with their intervals."""

    def __init__(
        self, found: Estimate, ends: Ends, limits: list[str], spreads: list[Spread], lognormal: bool, within: Array
    ) -> None:
        self._found, self._ends, self._limits, self._spreads = found, ends, limits, spreads
        self._lognormal, self._within = lognormal, within
        self._n = found.model.n_devices
        shape = found.x[: found.model.n_shape]
        self._means = np.array([*(spread.values.mean() for spread in spreads), *shape])
        self.step_error = 0.0
        cycles = len(set(found.model.curves.cycle))
        self._between_free = max((self._n if self._n > 1 else cycles) - 1, 1)
        self._free = max(int(found.kept.sum()) - len(found.x), 1)

    def constants(self) -> list[Constant]:
        """Return the constants of the law and of the window."""
        names = ["g_min", "g_max", "step", "up_down", *self._found.model.form.shape]
        value = self._values(self._means)
        slopes = np.array([self._slope(self._values, self._means, k) for k in range(len(self._means))])
        within = np.einsum("ki,kl,li->i", slopes, self._within, slopes)
        between = sum(
            (slopes[k] ** 2 * spread.variance / self._n for k, spread in enumerate(self._spreads)), np.zeros(len(value))
        )
        by_window = self._by_window(len(value))
        self.step_error = float(np.sqrt(within[2] + by_window[2]) / value[2])
        between = between + by_window
        variance = within + between
        free = variance**2 / np.maximum(within**2 / self._free + between**2 / self._between_free, np.finfo(float).tiny)
        half = t.ppf(1 - TAIL, np.clip(free, 1, None)) * np.sqrt(variance)
        unknown = [end is not None or (self._n == 1 and not size) for end, size in zip(self._ends, half, strict=False)]
        half[:2] = np.where(unknown, np.nan, half[:2])
        rows = zip(names, value, value - half, value + half, strict=True)
        return [Constant(name, float(at), float(low), float(high)) for name, at, low, high in rows]

    def spreads_found(self) -> list[Constant]:
        """Return the spreads from device to device, where there are several devices."""
        if self._n == 1:
            return []
        step, asymmetry = self._spreads[:2]
        scale = 1.0 if self._lognormal else abs(float(self._means[0]))
        folded = _folded_variance(float(self._means[1]), asymmetry.variance) / 4
        own = Spread(step.values / scale, step.error / scale**2 + folded)
        found = {"d2d_step": own, "d2d_up_down": asymmetry}
        for end, key in (("low", "d2d_min"), ("high", "d2d_max")):
            limit = self._limit(end)
            if limit is not None:
                found[key] = limit
        return [Constant(key, float(np.sqrt(each.variance)), *each.interval()) for key, each in found.items()]

    def _limit(self, end: str) -> Spread | None:
        """Return the limits of devices as fractions of the mean one, where they are known."""
        if end in self._limits:
            return self._spreads[2 + self._limits.index(end)]
        side, model = (0, 1)[end == "high"], self._found.model
        if self._ends[side] is not None or not self._found.stops[side]:
            return None
        return Spread(model.limits[side], 0.0)

    def _values(self, means: Array) -> Array:
        """Return the window, the step, the asymmetry and the constants of the shape that means stand for."""
        model = self._found.model
        mean, asymmetry = float(np.exp(means[0])) if self._lognormal else means[0], means[1]
        limit = {"low": model.form.range[0], "high": model.form.range[1]}
        limit |= dict(zip(self._limits, means[2:], strict=False))
        up, down = 1 + min(asymmetry, 0.0), 1 - max(asymmetry, 0.0)
        if self._limits:
            up, down = up / limit["high"], down / -limit["low"]
        mean, asymmetry = mean * (up + down) / (2 - abs(asymmetry)), (1 - down / up) if up >= down else (up / down - 1)
        step = mean / (1 - _folded_mean(asymmetry, self._spreads[1].variance) / 2)
        window = (model.conductances(np.array(limit[end])) for end in ("low", "high"))
        return np.array([*window, step, asymmetry, *means[2 + len(self._limits) :]], float)

    def _by_window(self, n: int) -> Array:
        """Return the variances that come from the devices whose extremes are the window."""
        variances = np.zeros(n)
        model = self._found.model
        if self._n == 1 and not self._found.noise.reading:
            return variances
        for side, end in enumerate(self._ends):
            if ("low", "high")[side] in self._limits:
                continue
            error = self._window_error(side)
            if end is not None or error < 1e-6 * (model.window[1] - model.window[0]):
                continue
            window = list(model.window)
            window[side] += error
            moved = elsewhere(self._found, (window[0], window[1]))
            base = elsewhere(self._found, model.window)
            up, down, there_up, there_down = (
                float(model.of(x, column).mean()) for x in (base, moved) for column in ("up", "down")
            )
            change = np.zeros(n)
            change[side] = error
            change[2] = self._values(self._means)[2] * ((there_up + there_down) / (up + down) - 1)
            change[3] = _asymmetry(there_up, there_down) - _asymmetry(up, down)
            change[4:] = (moved - base)[: model.n_shape]
            variances += change**2
        return variances

    def _window_error(self, side: int) -> float:
        """Return the standard error of one end of the window [S]."""
        if self._n == 1:
            return turning_errors(self._found.model.curves)[side]
        extremes = self._found.model.conductances(self._found.model.limits[side])
        return float(extremes.std(ddof=1) / np.sqrt(self._n))

    @staticmethod
    def _slope(function: Callable[[Array], Array], at: Array, k: int) -> Array:
        shift = np.zeros_like(at)
        shift[k] = 1e-5 * (abs(at[k]) + 1e-3)
        return (function(at + shift) - function(at - shift)) / (2 * shift[k])


def _asymmetry(up: float, down: float) -> float:
    return 1 - down / up if up >= down else up / down - 1


def _folded_mean(mean: float, variance: float) -> float:
    """Return the mean of |a| for a normally distributed a."""
    if variance <= 0:
        return abs(mean)
    sd = np.sqrt(variance)
    return float(sd * np.sqrt(2 / np.pi) * np.exp(-(mean**2) / (2 * variance)) + mean * (1 - 2 * norm.cdf(-mean / sd)))


def _folded_variance(mean: float, variance: float) -> float:
    return max(mean**2 + variance - _folded_mean(mean, variance) ** 2, 0.0)
