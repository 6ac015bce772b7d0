"""One programming pulse: what it does to the state w of devices, in their own units, between w_min and w_max.

    constant   d s (1 + sigma xi)
    linear     y = s + slope w,  slope_up = -gamma_up s_up/w_max, slope_dn = -gamma_dn s_dn/w_min;   d y (1 + sigma xi)
    soft       f = 1 - w/w_max (up), 1 - w/w_min (down);   d s (f + sigma xi)
    exp        z = 2 a w/(w_max - w_min) + b,   y = s max(1 - A exp(+-gamma z), 0);   d y (1 + sigma xi)
               with added noise  d y + sigma (y + add + slope |w|) xi
    nl         potentiation and depression exponential in the number of pulses

d = +-1 is the direction, xi ~ N(0, 1) anew for every pulse, s the step of that direction; the result is clipped.

Equations of pulsed devices as in IBM's analog hardware toolkit (Rasch et al. 2021, AICAS); Gong et al. 2022, IEDM.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroeq.describe.spec.device import ConstantStep, ExpStep, LinearStep, NonLinear, Pulsed, SoftBounds

Array = np.ndarray


@dataclass(frozen=True)
class Cells:
    """What differs from device to device: arrays of one shape, or numbers.

    Parameters
    ----------
    step_up, step_down
        Of one pulse.
    low, high
        Limits of the state.
    """

    step_up: Array | float
    step_down: Array | float
    low: Array | float
    high: Array | float


def nominal(law: Pulsed) -> Cells:
    """Return a device without spread."""
    up, down = law.step * (1 + min(law.up_down, 0.0)), law.step * (1 - max(law.up_down, 0.0))
    return Cells(up, down, *law.range)


def draw_cells(law: Pulsed, shape: tuple[int, ...], rng: np.random.Generator) -> Cells:
    """Draw devices. Every spread takes its numbers, whether it is switched on or not, so that none shifts another's.

    Parameters
    ----------
    law
        With its spreads.
    shape
        Of the array of devices.
    rng
        Of this chip.
    """
    for_step, for_low, for_high, for_asymmetry = (rng.standard_normal(shape) for _ in range(4))
    spread = np.exp(law.d2d_step * for_step) if law.d2d_step_lognormal else 1 + law.d2d_step * for_step
    step = law.step * np.maximum(spread, 0.0)
    asymmetry = np.clip(law.up_down + law.d2d_up_down * for_asymmetry, -0.99, 0.99)
    low, high = law.range
    width = high - low
    middle = (low + high) / 2
    lowest = np.minimum(low + law.d2d_min * abs(low or width) * for_low, middle)
    highest = np.maximum(high + law.d2d_max * abs(high or width) * for_high, middle)
    up, down = step * (1 + np.minimum(asymmetry, 0)), step * (1 - np.maximum(asymmetry, 0))
    return Cells(up, down, lowest, highest)


def pulse(law: Pulsed, cells: Cells, state: Array, direction: Array, rng: np.random.Generator) -> Array:
    """Return the states after one pulse each.

    Parameters
    ----------
    law
        Of the devices.
    cells
        Their own numbers.
    state
        Before.
    direction
        +1 up, -1 down, 0 for no pulse; of the shape of the states.
    rng
        Of cycle-to-cycle noise.
    """
    up = direction > 0
    step = np.where(up, cells.step_up, cells.step_down)
    noise = law.sigma_c2c * rng.standard_normal(np.shape(state)) if law.sigma_c2c else 0.0
    moved = state + direction * _size(law, cells, state, up, step, noise)
    return np.where(direction == 0, state, np.clip(moved, cells.low, cells.high))


def _size(law: Pulsed, cells: Cells, state: Array, up: Array, step: Array, noise: Array | float) -> Array:
    """Return the size of a step, in its direction, noise included."""
    low, high = law.range
    match law:
        case ConstantStep():
            return step * (1 + noise)
        case LinearStep(gamma_up=gamma_up, gamma_down=gamma_down):
            size = (
                step - step * np.where(up, gamma_up / high if high else 0.0, gamma_down / low if low else 0.0) * state
            )
            return size * (1 + noise) if law.noise == "multiplicative" else size + step * noise
        case SoftBounds():
            left = np.where(up, 1 - state / _nonzero(cells.high), 1 - state / _nonzero(cells.low))
            return step * left * (1 + noise) if law.noise == "multiplicative" else step * (left + noise)
        case ExpStep():
            z = 2 * law.a * state / (high - low) + law.b
            left = np.where(up, 1 - law.a_up * np.exp(law.gamma_up * z), 1 - law.a_down * np.exp(-law.gamma_down * z))
            size = step * np.maximum(left, 0)
            if law.noise_add is None:
                return size * (1 + noise)
            return size + noise * (np.abs(size) + law.noise_add + law.noise_slope * np.abs(state))
        case NonLinear():
            return _exponential(law, state, up, step) + step * noise
        case _:
            raise TypeError(type(law).__name__)


def _exponential(law: NonLinear, state: Array, up: Array, step: Array) -> Array:
    low, high = law.range
    place = np.where(up, state - low, high - state) / (high - low)
    bend = np.where(up, law.nl_up, law.nl_down)
    share = step / (high - low)
    curved = np.abs(bend) > 1e-9
    safe = np.where(curved, bend, 1.0)
    after = place * np.exp(-safe * share) - np.expm1(-safe * share) / -np.expm1(-safe)
    return (high - low) * (np.where(curved, after, place + share) - place)


def _nonzero(value: Array | float) -> Array:
    return np.where(np.asarray(value) == 0, np.inf, value)
