"""The constants of one law, device by device, with the noise and the window that go with them.

The search is repeated a few times: from the constants follow the noise, the steps that limits cut off, and the window,
and from those the constants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .curves import Curves
from .forms import Form
from .least_squares import Weighting, solve
from .model import Model, NoiseModel
from .noise import estimate_noise

Array = np.ndarray
ROUNDS = 6
NOISY = 0.98
"""The part of readings in the variance where they are first found to be noisy: the constants are then those of whole
curves, and not those of plain increments, for which pulses would look too noisy."""
TOUCHES = 3
"""The number of equal readings that show a limit."""
Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class Estimate:
    """The constants of a law for some curves.

    Parameters
    ----------
    model
        The law over the curves, with the window.
    x
        The constants of the law, as `Model` orders them.
    covariance
        The covariance of the constants, within devices.
    noise
        The noise of pulses and readings.
    kept
        Which steps of the curves were used.
    stops
        Whether the devices stop at their lower limits, and at their upper ones.
    """

    model: Model
    x: Array
    covariance: Array
    noise: NoiseModel
    kept: Array
    stops: tuple[bool, bool]


def estimate(form: Form, curves: Curves, ends: Ends = (None, None)) -> Estimate:
    """Return the constants of a law for some curves.

    Parameters
    ----------
    form
        The form of the law.
    curves
        The curves that it is to describe.
    ends
        The lowest and the highest conductance of the window, where they are given. [S]
    """
    limits = _extremes(curves, curves.g, ends)
    touched = _touched(curves, limits)
    fitted = tuple(form.bounded and end is None and not there for end, there in zip(ends, touched, strict=True))
    model = Model(form, curves, (limits[0].mean(), limits[1].mean()), (fitted[0], fitted[1]), limits)
    noise, scale = NoiseModel(form.noises[0], 1.0), 0.0
    kept, x = model.inside(model.w[:, :-1]), model.start()
    if "additive" in form.noises:
        noise = replace(noise, kind="additive")
    for _ in range(ROUNDS):
        _, variance, gain, _ = model.filtered(x, noise)
        x, covariance = solve(model, x, Weighting(gain, np.sqrt(variance), kept))
        model, x = _centred(model, x, limits)
        first = not noise.reading
        noise, scale = estimate_noise(model, x, kept)
        if first and noise.reading:
            noise = replace(noise, pulse=float(np.sqrt(1 - NOISY)), reading=float(np.sqrt(NOISY)))
            model, x = _smoothed(model, x, ends)
        _, _, gain, before = model.filtered(x, noise)
        kept = model.unhindered(x, _scaled(noise, scale), before, gain)
    _, variance, gain, before = model.filtered(x, noise)
    x, covariance = solve(model, x, Weighting(gain, np.sqrt(variance), kept))
    _, scale = estimate_noise(model, x, kept)
    return Estimate(
        model,
        x,
        covariance * scale**2,
        _scaled(noise, scale),
        kept,
        touched if form.bounded else _stops(model, x, before),
    )


def elsewhere(found: Estimate, window: tuple[float, float]) -> Array:
    """Return the constants that the same steps of the curves give with another window [S]."""
    model = found.model
    fitted = ("low" in model.columns, "high" in model.columns)
    other = Model(model.form, model.curves, window, fitted, model.conductances(model.limits))
    noise = replace(found.noise, pulse=1.0) if not found.noise.pulse else found.noise
    _, variance, gain, _ = other.filtered(found.x, noise)
    return solve(other, found.x, Weighting(gain, np.sqrt(variance), found.kept))[0]


def _scaled(noise: NoiseModel, scale: float) -> NoiseModel:
    return replace(noise, pulse=noise.pulse * scale, reading=noise.reading * scale)


def _extremes(curves: Curves, g: Array, ends: Ends) -> Array:
    """Return the lowest and the highest conductance of each device, or those that are given: (2, devices) [S]."""
    found = [[pick(g[curves.device == index]) for index in range(len(curves.names))] for pick in (np.nanmin, np.nanmax)]
    return np.array([each if end is None else [end] * len(each) for each, end in zip(found, ends, strict=True)])


def _touched(curves: Curves, limits: Array) -> tuple[bool, bool]:
    """Whether readings of each device repeat its lowest conductance, and its highest: there steps are cut off."""
    found = []
    for side in limits:
        at = np.abs(curves.g - side[curves.device][:, None]) <= 1e-9 * curves.span
        counts = np.bincount(curves.device, at[:, 1:].sum(axis=1), len(curves.names))
        found.append(bool(np.all(counts >= TOUCHES)))
    return found[0], found[1]


def turning_errors(curves: Curves) -> tuple[float, float]:
    """Return the standard errors of how far the noisy curves of one device go down and up, over its cycles [S]."""
    last = np.array([_end(g[np.isfinite(g)]) for g in curves.g])
    down, up = (last[curves.up == way] for way in (False, True))
    return tuple(  # type: ignore[return-value]
        float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else 0.0 for each in (down, up)
    )


def _turning_points(curves: Curves, ends: Ends) -> Array:
    """Return how far noisy curves go down and up, in the mean over the cycles of each device: (2, devices) [S].

    A curve starts and ends where straight lines through its first and its last readings do.
    """
    first, last = (np.array([_end(g[np.isfinite(g)][::turn]) for g in curves.g]) for turn in (-1, 1))
    found = []
    for pick, up in ((min, False), (max, True)):
        there, back = curves.up == up, curves.up != up
        found.append(
            [
                float(
                    pick(last[there & (curves.device == index)].mean(), first[back & (curves.device == index)].mean())
                )
                for index in range(len(curves.names))
            ]
        )
    return np.array([each if end is None else [end] * len(each) for each, end in zip(found, ends, strict=True)])


def _end(g: Array) -> float:
    tail = g[-max(5, len(g) // 10) :]
    return float(np.polyval(np.polyfit(np.arange(len(tail)) - len(tail) + 1, tail, 1), 0))


def _centred(model: Model, x: Array, limits: Array) -> tuple[Model, Array]:
    """Return the law with the window of its fitted limits, and its constants in the states of that window."""
    fitted = ("low" in model.columns, "high" in model.columns)
    if not any(fitted):
        return model, x
    low, high = (float(model.conductances(model.of(x, end)).mean()) for end in ("low", "high"))
    centred = Model(model.form, model.curves, (low, high), fitted, limits)
    return centred, _moved(model, centred, x)


def _smoothed(model: Model, x: Array, ends: Ends) -> tuple[Model, Array]:
    """Return the law with the window that noisy readings show, and constants to start from."""
    if len(model.columns) > 2:
        return model, x
    limits = _turning_points(model.curves, ends)
    smoothed = Model(model.form, model.curves, (limits[0].mean(), limits[1].mean()), (False, False), limits)
    return smoothed, smoothed.start()


def _moved(model: Model, centred: Model, x: Array) -> Array:
    """Return the constants of soft bounds in the states of another window: a step is a fraction of a limit."""
    moved = x.copy()
    for direction, end in (("up", "high"), ("down", "low")):
        limit = centred.states(model.conductances(model.of(x, end)))
        centred.of(moved, direction)[:] = model.of(x, direction) / model.of(x, end) * limit
        if end in model.columns:
            centred.of(moved, end)[:] = limit
    return moved


def _stops(model: Model, x: Array, before: Array) -> tuple[bool, bool]:
    """Whether each device was given several pulses at each of its limits that should have moved it beyond."""
    low, high = (limit[model.curves.device][:, None] for limit in model.limits)
    size, _ = model.sizes(x, before)
    valid = np.isfinite(np.diff(model.w, axis=1)) & (size > 0)
    found = []
    for up, beyond in ((False, low - before + size / 2), (True, before + size / 2 - high)):
        hindered = (valid & (beyond > 0) & (model.curves.up == up)[:, None]).sum(axis=1)
        given = (valid & (model.curves.up == up)[:, None]).sum(axis=1)
        counts, totals = (np.bincount(model.curves.device, each, model.n_devices) for each in (hindered, given))
        found.append(bool(np.all((counts >= 3) & (counts >= 0.02 * totals))))
    return found[0], found[1]
