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

from neuroeq.describe.spec.device import AroundZero, Limits, Pulsed

Array = np.ndarray


class ConstantStep(Pulsed):
    """All pulses move the device equally far.

    Parameters
    ----------
    model
        The name of this model, ``"constant_step"``.
    """

    model: Literal["constant_step"]

    def size(self, limits: Limits, state: Array, up: Array, step: Array, noise: Array | float) -> Array:
        """Return how far one pulse moves each device; the arguments are those of `Pulsed.size`."""
        return step * (1 + noise)


class LinearStep(AroundZero):
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

    def size(self, limits: Limits, state: Array, up: Array, step: Array, noise: Array | float) -> Array:
        """Return how far one pulse moves each device; the arguments are those of `Pulsed.size`."""
        low, high = self.range
        size = step - step * np.where(up, self.gamma_up / high, self.gamma_down / low) * state
        return size * (1 + noise) if self.noise == "multiplicative" else size + step * noise


class SoftBounds(AroundZero):
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

    def size(self, limits: Limits, state: Array, up: Array, step: Array, noise: Array | float) -> Array:
        """Return how far one pulse moves each device; the arguments are those of `Pulsed.size`."""
        left = np.where(up, 1 - state / _infinite_if_zero(limits.high), 1 - state / _infinite_if_zero(limits.low))
        return step * left * (1 + noise) if self.noise == "multiplicative" else step * (left + noise)


def _infinite_if_zero(limit: Array | float) -> Array:
    return np.where(np.asarray(limit) == 0, np.inf, limit)
