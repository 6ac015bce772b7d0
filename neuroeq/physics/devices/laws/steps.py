"""Laws whose step is constant, or falls linearly with the state w of the device, which lies between w_min and w_max.

    constant   d s (1 + sigma xi)
    linear     y = s + slope w,  slope_up = -gamma_up s_up/w_max, slope_dn = -gamma_dn s_dn/w_min;   d y (1 + sigma xi)
    soft       f = 1 - w/w_max (up), 1 - w/w_min (down);   d s (f + sigma xi)

s is the step of a device in the direction d = +-1 of the pulse, and xi ~ N(0, 1) is drawn anew for every pulse.

Equations as in IBM's analog hardware toolkit (Rasch et al. 2021, AICAS); Gong et al. 2022, IEDM.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from neuroeq.describe.spec.device import AroundZero, Limits

from .straight import Straight

Array = np.ndarray


class ConstantStep(Straight):
    """All pulses move the device equally far.

    Parameters
    ----------
    model
        The name of this model, ``"constant_step"``.
    """

    model: Literal["constant_step"]

    def line(self, limits: Limits, up: Array, step: Array) -> tuple[Array, Array | float]:
        """Return alpha and mu of each device; the arguments are those of `Straight.line`."""
        return step, 0.0


class LinearStep(Straight, AroundZero):
    """Steps that shrink linearly towards the limit.

    Parameters
    ----------
    model
        The name of this model, ``"linear_step"``.
    gamma_up, gamma_down
        The fraction of the step that is lost at the upper limit, and at the lower one.
    noise
        Whether noise scales with the shrunken step (``"multiplicative"``) or with the whole step (``"additive"``).
    """

    model: Literal["linear_step"]
    gamma_up: float
    gamma_down: float
    noise: Literal["multiplicative", "additive"] = "multiplicative"

    @property
    def proportional(self) -> bool:
        """Whether noise scales with the step as it is at a state, and not with the whole step of the device."""
        return self.noise == "multiplicative"

    def line(self, limits: Limits, up: Array, step: Array) -> tuple[Array, Array | float]:
        """Return alpha and mu of each device; the arguments are those of `Straight.line`."""
        low, high = self.range
        return step, step * np.where(up, self.gamma_up / high, self.gamma_down / low)


class SoftBounds(Straight, AroundZero):
    """Steps that vanish at the limits.

    Parameters
    ----------
    model
        The name of this model, ``"soft_bounds"``.
    noise
        Whether noise scales with the shrunken step (``"multiplicative"``) or with the whole step (``"additive"``).
    """

    model: Literal["soft_bounds"]
    noise: Literal["multiplicative", "additive"] = "additive"

    @property
    def proportional(self) -> bool:
        """Whether noise scales with the step as it is at a state, and not with the whole step of the device."""
        return self.noise == "multiplicative"

    def line(self, limits: Limits, up: Array, step: Array) -> tuple[Array, Array | float]:
        """Return alpha and mu of each device; the arguments are those of `Straight.line`."""
        return step, step / np.where(up, _infinite_if_zero(limits.high), _infinite_if_zero(limits.low))


def _infinite_if_zero(limit: Array | float) -> Array:
    return np.where(np.asarray(limit) == 0, np.inf, limit)
