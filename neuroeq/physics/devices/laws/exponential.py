"""Laws whose step depends exponentially on the state w of the device, or on the number of pulses before.

    exp   z = 2 a w/(w_max - w_min) + b,   y = s max(1 - A exp(+-gamma z), 0);   d y (1 + sigma xi)
          with added noise  d y + sigma (y + add + slope |w|) xi
    nl    potentiation and depression exponential in the number of pulses

s is the step of a device in the direction d = +-1 of the pulse, and xi ~ N(0, 1) is drawn anew for every pulse.

Equations as in IBM's analog hardware toolkit (Rasch et al. 2021, AICAS); Gong et al. 2022, IEDM.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from neuroeq.describe.spec.device import Limits, Pulsed, Spread

from .straight import Straight

Array = np.ndarray
STRAIGHT = 1e-9
"""Curvature below which a curve is taken for a straight line."""


class ExpStep(Pulsed):
    """Steps that depend exponentially on the state.

    Parameters
    ----------
    model
        The name of this model, ``"exp_step"``.
    a, b
        Slope and offset of the exponent z = 2 a w/(w_max - w_min) + b.
    a_up, a_down, gamma_up, gamma_down
        Factors A and gamma of max(1 - A exp(gamma z), 0), for pulses up and down.
    noise_add
        Constant part of what is added to the step in the noise; if left out, the noise scales with the step alone.
    noise_slope
        Part of what is added to the step in the noise that is proportional to the state.
    """

    model: Literal["exp_step"]
    a: float
    b: float
    a_up: float
    a_down: float
    gamma_up: float
    gamma_down: float
    noise_add: Spread | None = None
    noise_slope: Spread = 0.0

    def size(self, limits: Limits, state: Array, up: Array, step: Array, noise: Array | float) -> Array:
        """Return how far one pulse moves each device; the arguments are those of `Pulsed.size`."""
        low, high = self.range
        z = 2 * self.a * state / (high - low) + self.b
        left = np.where(up, 1 - self.a_up * np.exp(self.gamma_up * z), 1 - self.a_down * np.exp(-self.gamma_down * z))
        size = step * np.maximum(left, 0)
        if self.noise_add is None:
            return size * (1 + noise)
        return size + noise * (np.abs(size) + self.noise_add + self.noise_slope * np.abs(state))


class NonLinear(Straight):
    """Potentiation and depression as exponentials in the number of pulses, as the memristor literature fits them.

    Parameters
    ----------
    model
        The name of this model, ``"neurosim_nl"``.
    nl_up, nl_down
        Curvature of each: g = (1 - exp(-nl p))/(1 - exp(-nl)) after the fraction p of all pulses; 0 is a straight line.
    """

    model: Literal["neurosim_nl"]
    nl_up: float
    nl_down: float

    @property
    def proportional(self) -> bool:
        """Whether noise scales with the step as it is at a state: it scales with the whole step of the device."""
        return False

    def line(self, limits: Limits, up: Array, step: Array) -> tuple[Array, Array | float]:
        """Return alpha and mu of each device; the arguments are those of `Straight.line`."""
        low, high = self.range
        bend = np.where(up, self.nl_up, self.nl_down)
        share = step / (high - low)
        curved = np.abs(bend) > STRAIGHT
        safe = np.where(curved, bend, 1.0)
        lost = np.where(curved, -np.expm1(-safe * share), 0.0)
        at_start = (high - low) * np.where(curved, lost / -np.expm1(-safe), share)
        return at_start + np.where(up, low, high) * np.where(up, lost, -lost), np.where(up, lost, -lost)
