"""Least squares with constants that devices share and constants of their own, by Levenberg and Marquardt's method.

The Jacobian is kept in columns, one for each kind of constant: an error depends on the constants of one device only, so
the normal equations are sums over the devices, whose size does not grow with the number of readings.

Marquardt 1963, J. Soc. Indust. Appl. Math. 11:431, doi:10.1137/0111030.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .model import Model

Array = np.ndarray
TURNS = 60
FINEST = 1e-11
"""The relative change of the constants, in units of their own, at which a search ends."""
HUGE = 1e30
"""What an error counts as that is infinite or not a number."""
FLATTEST = 1e-10
"""The relative decrease of the sum of squares at which a search ends."""


@dataclass(frozen=True)
class Weighting:
    """How errors count: how much of each corrects the state, and how large each is expected to be.

    Parameters
    ----------
    gain
        The fraction of an error that corrects the state: (curves, pulses).
    sd
        The standard deviation of an error: (curves, pulses).
    kept
        Which errors count: (curves, pulses).
    """

    gain: Array
    sd: Array
    kept: Array


def solve(model: Model, x: Array, weighting: Weighting) -> tuple[Array, Array]:
    """Return the constants with the least sum of squared errors, and their covariance for errors of unit variance.

    Parameters
    ----------
    model
        The law over the curves.
    x
        The constants to start from.
    weighting
        How the errors of prediction count.
    """
    device = np.broadcast_to(model.curves.device[:, None], weighting.kept.shape)[weighting.kept]

    def errors(at: Array) -> Array:
        with np.errstate(all="ignore"):
            e: Array = (model.errors(at, weighting.gain) / weighting.sd)[weighting.kept]
        return np.clip(np.nan_to_num(e, nan=HUGE), -HUGE, HUGE)

    damping, e = 1e-3, errors(x)
    normal, slope = _normal_equations(model, x, e, errors, device)
    for _ in range(TURNS):
        scale = np.sqrt(np.maximum(np.diag(normal), 1e-300))
        scaled = normal / np.outer(scale, scale)
        move = -np.linalg.lstsq(scaled + damping * np.eye(len(x)), slope / scale, rcond=None)[0] / scale
        tried = errors(x + move) if model.allowed(x + move) else np.full_like(e, HUGE)
        before, after = float(e @ e), float(tried @ tried)
        small = bool(np.all(np.abs(move) <= FINEST * (np.abs(x) + FINEST))) or 0 <= before - after < FLATTEST * before
        if after < before:
            x, e, damping = x + move, tried, max(damping / 10, 1e-12)
            normal, slope = _normal_equations(model, x, e, errors, device)
        else:
            damping *= 10
        if small or damping > 1e12:
            break
    scale = np.sqrt(np.maximum(np.diag(normal), 1e-300))
    return x, np.linalg.pinv(normal / np.outer(scale, scale), hermitian=True) / np.outer(scale, scale)


def _normal_equations(
    model: Model, x: Array, e: Array, errors: Callable[[Array], Array], device: Array
) -> tuple[Array, Array]:
    """Return J'J and J'e; J is found by central differences, in all devices at once."""
    n, m = model.n_devices, model.n_shape
    blocks = [np.array([index]) for index in range(m)]
    blocks += [m + n * number + np.arange(n) for number in range(len(model.columns))]
    columns = []
    for block in blocks:
        shift = np.zeros_like(x)
        shift[block] = 1e-6 * (np.abs(x[block]) + 1e-6)
        width = 2 * shift[block] if len(block) == 1 else 2 * shift[block][device]
        columns.append((errors(x + shift) - errors(x - shift)) / width)
    normal, slope = np.zeros((len(x), len(x))), np.zeros(len(x))
    for number, (block, column) in enumerate(zip(blocks, columns, strict=True)):
        slope[block] = _sums(column * e, device, len(block))
        for other, beside in zip(blocks[number:], columns[number:], strict=True):
            sums = _sums(column * beside, device, max(len(block), len(other)))
            normal[block, other] = normal[other, block] = sums
    return normal, slope


def _sums(values: Array, device: Array, n: int) -> Array:
    """Return the sum over all values, or over those of each device."""
    return np.array([values.sum()]) if n == 1 else np.bincount(device, values, n)
