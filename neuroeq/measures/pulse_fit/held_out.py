"""How well a law that was fitted to some curves predicts others, and which law to prefer.

A held-out curve is continued from its first reading by the law alone, with the constants of its device, or of the mean
device if that is held out too. The error is the root mean square of the distance, as a fraction of the conductances
that all curves span. It includes what no law can predict: noise adds up along a curve.

Of several laws the one with the fewest constants is chosen whose error is at most one standard error (over the curves)
above the smallest one: a law with more constants is hardly ever worse, and says no more for it. See
Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, section 7.10.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .curves import Curves
from .estimation import Ends, Estimate, estimate
from .forms import FORMS, Form
from .model import Model

Array = np.ndarray
SHARE = 5
"""One device in so many is held out, if devices have one cycle each."""
EXACT = 1e-6
"""The error that counts as none, as a fraction of the span of the data."""
UNSEEN = 0.1
"""How far outside the data a limit may lie for a law to be chosen, as a fraction of the span of the data."""


def split(curves: Curves) -> Array | None:
    """Return which curves to hold out: the last cycle of each device, or every fifth device; None if too few."""
    last = np.array([curves.cycle[curves.device == index].max() for index in range(len(curves.names))])
    held = curves.cycle == last[curves.device]
    if set(curves.device[~held]) == set(curves.device) and all(_both(curves, ~held)):
        return held
    if len(curves.names) < SHARE:
        return None
    return np.asarray(curves.device % SHARE == SHARE - 1)


def _both(curves: Curves, kept: Array) -> list[bool]:
    return [
        bool((kept & (curves.device == index) & (curves.up == up)).any())
        for index in range(len(curves.names))
        for up in (True, False)
    ]


def held_out_errors(form: Form, curves: Curves, held: Array, ends: Ends) -> Array:
    """Return the error of each held-out curve, as a fraction of the span of all curves: (held-out curves,).

    Parameters
    ----------
    form
        The form of the law.
    curves
        All curves; the law is fitted to those that are not held out.
    held
        Which curves are held out.
    ends
        The lowest and the highest conductance of the window, where they are given. [S]
    """
    found = estimate(form, curves.part(~held), ends)
    away = followed(found, curves.part(held)) - curves.part(held).g
    squares: Array = np.nanmean(away[:, 1:] ** 2, axis=1)
    return np.sqrt(squares) / curves.span


def followed(found: Estimate, curves: Curves) -> Array:
    """Return how a fitted law continues the first reading of each curve: (curves, pulses + 1) [S].

    Parameters
    ----------
    found
        The law with the constants of devices.
    curves
        The curves of those devices, or of others, which then count as the mean device.
    """
    model, names = found.model, found.model.curves.names
    fitted = ("low" in model.columns, "high" in model.columns)
    known = [names.index(name) if name in names else None for name in curves.names]

    def chosen(values: Array) -> Array:
        return np.array([values.mean() if index is None else values[index] for index in known])

    limits = np.array([chosen(limit) for limit in model.conductances(model.limits)])
    other = Model(model.form, curves, model.window, fitted, limits)
    constants = [chosen(model.of(found.x, column)) for column in model.columns]
    x = np.concatenate([found.x[: model.n_shape], *constants])
    return other.conductances(other.followed(x, found.noise))


def preferred(errors: Mapping[str, Array]) -> str:
    """Return the name of the law to choose by the errors of held-out curves, by law.

    Parameters
    ----------
    errors
        By law, the error of each held-out curve.
    """
    best = min(errors.values(), key=lambda each: float(each.mean()))
    margin = best.std(ddof=1) / np.sqrt(len(best)) if len(best) > 1 else 0.0
    margin = max(float(margin), EXACT)
    return next(name for name in FORMS if name in errors and errors[name].mean() <= best.mean() + margin)


def seen(found: Estimate) -> bool:
    """Whether the data come near the limits that were fitted: far outside, they say nothing of the limits."""
    g, span = found.model.curves.g, found.model.curves.span
    outside = max(np.nanmin(g) - found.model.window[0], found.model.window[1] - np.nanmax(g))
    return bool(outside <= UNSEEN * span)
