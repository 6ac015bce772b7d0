"""The pulse laws as functions that are fitted: their free constants, and where the search for them starts.

Not all constants of a law show in curves, so some are fixed. States lie in [-1, 1], or in [0, 1] for `neurosim_nl`, and
the exponent of `exp_step` is z = w (a = 1, b = 0), since curves show only gamma a and A exp(gamma b).

Every start is found from the steps alone, which are linear in what is left: a straight line through the steps against
the state gives s and gamma of

    linear_step   s (1 - gamma w),            soft_bounds   s (1 - w/w_max),
    neurosim_nl   (1 - exp(-nl s)) (1/(1 - exp(-nl)) - p),   with gamma = tanh(nl/2) in terms of w = 2p - 1

which differ in their noise and their limits, and not in the mean step; and s (1 - A exp(gamma w)) is linear in s and
s A for each gamma.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neuroeq.describe.spec.device import Pulsed
from neuroeq.registry import UPDATE_LAWS

Array = np.ndarray
Noise = Literal["multiplicative", "additive", "added"]
Start = tuple[float, tuple[float, ...]]
"""The step in one direction, and the constants of the curve in that direction."""
FARTHEST = 10.0
"""The farthest bound that is looked for, in states from the middle, and in spans of the data beyond it."""
GAMMAS = (-8.0, -4.0, -2.0, -1.0, -0.4, 0.4, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Form:
    """What is fitted of a pulse law.

    Parameters
    ----------
    name
        The name of the law in the registry of update laws.
    shape
        The constants that shape the curve, all those up before all those down; they are common to all devices.
    start
        Finds the step and the constants in one direction from states and steps, as if the pulses were upwards.
    noises
        The kinds of cycle-to-cycle noise that the law offers, the default first.
    range
        The lowest and the highest state.
    fixed
        Constants that are given and not fitted.
    bounded
        Whether the steps depend on each device's own limits, which are then fitted too.
    """

    name: str
    shape: tuple[str, ...]
    start: Callable[[Array, Array], Start]
    noises: tuple[Noise, ...]
    range: tuple[float, float] = (-1.0, 1.0)
    fixed: tuple[tuple[str, float], ...] = ()
    bounded: bool = False

    def law(self, shape: Array) -> Pulsed:
        """Return the law with constants of the shape; its steps are those of the devices."""
        constants = dict(zip(self.shape, map(float, shape), strict=True))
        law: Pulsed = UPDATE_LAWS.get(self.name)(
            model=self.name, range=self.range, step=1.0, **dict(self.fixed), **constants
        )
        return law


def _line(w: Array, step: Array) -> tuple[float, float]:
    """Return the value at w = 0 and the slope of a straight line through steps; the value is above 0."""
    slope, value = np.polyfit(w, step, 1)
    return max(float(value), 1e-3 * float(np.abs(step).mean())), float(slope)


def _constant(w: Array, step: Array) -> Start:
    return float(step.mean()), ()


def _linear(w: Array, step: Array) -> Start:
    value, slope = _line(w, step)
    return value, (-slope / value,)


def _bounded(w: Array, step: Array) -> Start:
    value, slope = _line(w, step)
    return value, (min(value / -slope, FARTHEST / 2) if slope < 0 else FARTHEST / 2,)


def _nonlinear(p: Array, step: Array) -> Start:
    value, slope = _line(2 * p - 1, 2 * step)
    bend = 2 * float(np.arctanh(np.clip(-slope / value, -0.99, 0.99)))
    share = value / 2 if abs(bend) < 1e-6 else -float(np.log1p(np.clip(slope, -0.99, None))) / bend
    return share, (bend,)


def _exponential(w: Array, step: Array) -> Start:
    best: tuple[float, Start] | None = None
    for gamma in GAMMAS:
        design = np.stack([np.ones_like(w), -np.exp(gamma * w)], axis=1)
        (size, product), *_ = np.linalg.lstsq(design, step, rcond=None)
        error = float(np.sum((design @ (size, product) - step) ** 2))
        if size > 0 and (best is None or error < best[0]):
            best = error, (float(size), (float(product / size), gamma))
    return best[1] if best else (float(step.mean()), (0.1, 1.0))


FORMS = {
    form.name: form
    for form in (
        Form("constant_step", (), _constant, ("multiplicative",)),
        Form("soft_bounds", (), _bounded, ("additive", "multiplicative"), bounded=True),
        Form("linear_step", ("gamma_up", "gamma_down"), _linear, ("multiplicative", "additive")),
        Form("neurosim_nl", ("nl_up", "nl_down"), _nonlinear, ("additive",), range=(0.0, 1.0)),
        Form(
            "exp_step",
            ("a_up", "gamma_up", "a_down", "gamma_down"),
            _exponential,
            ("multiplicative", "added"),
            fixed=(("a", 1.0), ("b", 0.0)),
        ),
    )
}
"""The laws that can be fitted, those with fewer constants first."""
