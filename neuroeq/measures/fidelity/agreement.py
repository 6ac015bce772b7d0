"""The comparison of an estimate with a gradient: direction, size, signs, and the error as a function of beta.

cosine            estimate . gradient / (|estimate| |gradient|)
norm ratio        |estimate| / |gradient|
sign agreement    fraction of entries of the same sign, among those above a thousandth of the largest
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Params
from neuroeq.randomness import Streams

from .report import Projection

Array = np.ndarray
ENTRIES = 6
"""The number of entries of each parameter that finite differences check."""
SMALL = 1e-3
"""The fraction of the largest entry below which signs are not counted."""


def sampled_entries(gradient: Params, streams: Streams) -> dict[str, Array]:
    """Choose entries whose gradient is large enough for finite differences to measure."""
    rng, chosen = streams.child("check entries"), {}
    for name, value in gradient.items():
        size = np.abs(value).ravel()
        worth = np.flatnonzero(size > SMALL * size.max(initial=0))
        chosen[name] = rng.choice(worth, min(ENTRIES, len(worth)), replace=False) if len(worth) else worth
    return chosen


def compare(
    estimate: Array,
    gradient: Array,
    through_time: Array | None,
    entries: Array,
    differences: Array,
    made: Array | None = None,
) -> Projection:
    """Compare the estimate of one parameter array with its gradient.

    Parameters
    ----------
    estimate, gradient
        The change that a rule asks for, and dC/dtheta, of the same shape.
    through_time
        The gradient by backpropagation through time; None if there is none.
    entries, differences
        Flat indices of some entries, (k,), and the gradient by finite differences at these, (k,).
    made
        What devices make of the estimate; None where they hold what is written.
    """
    descent, largest = -gradient.ravel(), float(np.abs(gradient).max(initial=0))
    told = np.abs(descent) > SMALL * largest
    signs = float((np.sign(estimate.ravel()[told]) == np.sign(descent[told])).mean()) if told.any() else float("nan")
    ratio = float(np.linalg.norm(estimate) / np.linalg.norm(descent)) if largest else float("nan")
    wrong = float(np.abs(gradient.ravel()[entries] - differences).max() / largest) if len(entries) else None
    unrolled = None if through_time is None else cosine(estimate.ravel(), -through_time.ravel())
    realised = None if made is None else cosine(made.ravel(), descent)
    return Projection(cosine(estimate.ravel(), descent), ratio, signs, unrolled, wrong, realised)


def slope(errors: dict[float, float]) -> float | None:
    """Return the slope over the smallest three betas; None if errors do not rise there, so bias does not dominate."""
    betas = sorted(errors)[:3]
    values = [errors[beta] for beta in betas]
    if not (np.isfinite(values).all() and values[0] < values[1] < values[2]):
        return None
    return float(np.polyfit(np.log(betas), np.log(values), 1)[0])


def variance(estimates: list[Array]) -> float:
    """Return the variance of repeated estimates over their squared mean; nan if they are all zero."""
    mean = np.mean(estimates, axis=0)
    size = float(mean @ mean)
    return float(np.mean([(each - mean) @ (each - mean) for each in estimates])) / size if size else float("nan")


def cosine(one: Array, other: Array) -> float:
    """Return the cosine of the angle of two vectors; nan if one is zero."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else float("nan")


def flat(params: Params) -> Array:
    """Return all parameters in one vector, in the order of their names."""
    return np.concatenate([np.ravel(params[name]) for name in sorted(params)]).astype(float)
