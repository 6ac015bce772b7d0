"""The noise of pulses and of readings, by maximum likelihood of the errors of prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from .model import SILENT, Model, NoiseModel

Array = np.ndarray
CLEAR = 4.5
"""The gain in log-likelihood for which one more number counts as seen: that of three standard deviations."""
FIELDS = ("pulse", "reading", "add", "slope")


def estimate_noise(model: Model, x: Array, kept: Array) -> tuple[NoiseModel, float]:
    """Return the likeliest noise, scaled such that pulses and readings together have variance 1, and its scale.

    Parameters
    ----------
    model
        The law over the curves.
    x
        The constants of the law.
    kept
        Which errors count: (curves, pulses).
    """
    kinds = [NoiseModel(kind, 1.0) for kind in model.form.noises]
    default, scale = kinds[0], _scale(model, x, kinds[0], kept)
    if scale < SILENT:
        return default, scale
    anticorrelated = _correlation(model, x, default, kept) < -3
    best, least = default, np.inf
    for kind in kinds:
        found, cost = (
            _with_additions(model, x, kind, kept) if kind.kind == "added" else (kind, _cost(model, x, kind, kept))
        )
        if anticorrelated:
            noisy, lower = _with_readings(model, x, found, kept)
            found, cost = (noisy, lower) if lower < cost - CLEAR else (found, cost)
        cost += CLEAR * (found.kind == "added")
        if cost < least:
            best, least = found, cost
    return best, _scale(model, x, best, kept)


def deviations(model: Model, x: Array, noise: NoiseModel, kept: Array) -> dict[str, float]:
    """Return the standard errors of the numbers of the noise that are not 0, from the curvature of the likelihood."""
    names = [name for name in FIELDS if getattr(noise, name)]
    at = np.array([getattr(noise, name) for name in names])

    def cost(scaled: Array) -> float:
        numbers: dict[str, Any] = dict(zip(names, map(float, at * np.exp(scaled)), strict=True))
        return _negative_log_likelihood(model, x, replace(noise, **numbers), kept)

    curvature = _curvature(cost, len(names))
    covariance = np.linalg.pinv(curvature, hermitian=True)
    return {
        name: float(value * np.sqrt(max(v, 0))) for name, value, v in zip(names, at, np.diag(covariance), strict=True)
    }


def _curvature(cost: Callable[[Array], float], n: int) -> Array:
    step, unit = 1e-2, np.eye(n)
    both = [[(cost(step * (a * unit[i] + b * unit[j]))) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
            for i in range(n) for j in range(n)]  # fmt: skip
    return np.array([(pp - pm - mp + mm) / (4 * step**2) for pp, pm, mp, mm in both]).reshape(n, n)


def _normalised(model: Model, x: Array, noise: NoiseModel, kept: Array) -> tuple[Array, Array]:
    """Return squared errors over their variances, and the variances, of the errors that count."""
    error, variance, _, _ = model.filtered(x, noise)
    return error[kept] ** 2 / variance[kept], variance[kept]


def _scale(model: Model, x: Array, noise: NoiseModel, kept: Array) -> float:
    squared, _ = _normalised(model, x, noise, kept)
    return float(np.sqrt(squared.sum() / max(len(squared) - len(x), 1)))


def _cost(model: Model, x: Array, noise: NoiseModel, kept: Array) -> float:
    """Return the negative log-likelihood at the likeliest scale of the noise."""
    squared, variance = _normalised(model, x, noise, kept)
    return 0.5 * float(np.log(variance).sum() + len(squared) * np.log(max(squared.mean(), 1e-300)))


def _negative_log_likelihood(model: Model, x: Array, noise: NoiseModel, kept: Array) -> float:
    squared, variance = _normalised(model, x, noise, kept)
    return 0.5 * float(np.log(variance).sum() + squared.sum())


def _correlation(model: Model, x: Array, noise: NoiseModel, kept: Array) -> float:
    """Return the correlation between neighbouring errors, in units of its standard deviation."""
    error, variance, _, _ = model.filtered(x, noise)
    z = np.where(kept, error / np.sqrt(variance), np.nan)
    products = np.concatenate([a * b for a, b in pairwise(z.T)])
    products = products[np.isfinite(products)]
    return float(products.sum() / (np.nanmean(z**2) * np.sqrt(max(len(products), 1))))


def _with_additions(model: Model, x: Array, noise: NoiseModel, kept: Array) -> tuple[NoiseModel, float]:
    step = model.step(x)

    def added(u: Array) -> NoiseModel:
        return replace(noise, add=float(abs(u[0])) * step, slope=float(abs(u[1])) * step)

    found = minimize(
        lambda u: _cost(model, x, added(u), kept), [1.0, 0.1], bounds=[(0, 1e4), (0, 1e4)], method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-4, "maxiter": 300},
    )  # fmt: skip
    return added(found.x), float(found.fun)


def _with_readings(model: Model, x: Array, noise: NoiseModel, kept: Array) -> tuple[NoiseModel, float]:
    def shared(part: float) -> NoiseModel:
        return replace(noise, pulse=float(np.sqrt(1 - part)), reading=float(np.sqrt(part)))

    found = minimize_scalar(
        lambda part: _cost(model, x, shared(part), kept), bounds=(1e-6, 1 - 1e-6), method="bounded",
        options={"xatol": 1e-3},
    )  # fmt: skip
    return shared(float(found.x)), float(found.fun)
