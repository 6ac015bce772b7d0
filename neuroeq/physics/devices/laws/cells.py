"""What differs from device to device: the size of their steps and the limits of their states."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from neuroeq.describe.spec.device import Pulsed

Array = np.ndarray
EDGE = 0.1
"""Fraction of the range at each end that does not count for the average step."""
POINTS, TINY = 65, 1e-3
"""States at which a step is averaged, and the smallest step there, as a fraction of the law's own."""


@dataclass(frozen=True)
class Cells:
    """The numbers that devices of one law have of their own: arrays of one shape, or numbers that all share.

    Parameters
    ----------
    step_up, step_down
        Size of the step of one pulse up, and of one pulse down, in units of the state.
    low, high
        Lowest and highest state.
    """

    step_up: Array | float
    step_down: Array | float
    low: Array | float
    high: Array | float

    def at(self, place: Array | slice) -> Cells:
        """Return the numbers of some devices, in one dimension."""
        values = (self.step_up, self.step_down, self.low, self.high)
        return Cells(*(value if np.ndim(value) == 0 else np.asarray(value).reshape(-1)[place] for value in values))

    def step(self, up: Array) -> Array:
        """Return the size of the step of one pulse, up where `up` is true, in units of the state."""
        return np.where(up, self.step_up, self.step_down)


def nominal(law: Pulsed) -> Cells:
    """Return devices without spread."""
    up, down = law.step * (1 + min(law.up_down, 0.0)), law.step * (1 - max(law.up_down, 0.0))
    return Cells(up, down, *law.range)


def draw_cells(law: Pulsed, shape: tuple[int, ...], rng: np.random.Generator) -> Cells:
    """Draw devices. Each spread draws its numbers even where it is 0, so that none shifts the draws of another.

    Parameters
    ----------
    law
        The law of the devices, with their spreads.
    shape
        Shape of the array of devices.
    rng
        Random numbers of this chip.
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
    """Return the states of devices after at most one pulse each, within their limits.

    Parameters
    ----------
    law
        The law of the devices.
    cells
        The numbers that each device has of its own.
    state
        The states before the pulse.
    direction
        +1 for a pulse up, -1 for a pulse down, 0 for none; of the shape of the states.
    rng
        Random numbers for the cycle-to-cycle noise.
    """
    up = direction > 0
    noise = law.sigma_c2c * rng.standard_normal(np.shape(state)) if law.sigma_c2c else 0.0
    moved = state + direction * law.size(cells, state, up, cells.step(up), noise)
    return np.where(direction == 0, state, np.clip(moved, cells.low, cells.high))


@cache
def granule(law: Pulsed, unidirectional: bool = False, rest: float = 0.0) -> float:
    """Return the step of one pulse on average over the middle of the range, without spread and noise.

    The average is that of a device that crosses this part of the range pulse by pulse: the harmonic mean of its steps
    there. Unidirectional devices cross it from their rest, and upwards only.

    Parameters
    ----------
    law
        The law of the devices.
    unidirectional
        Whether pulses only raise the state.
    rest
        Where unidirectional devices rest, as a fraction of the range.
    """
    low, high = law.range
    start, end = (rest, 1 - EDGE) if unidirectional else (EDGE, 1 - EDGE)
    states = low + (high - low) * np.linspace(start, end, POINTS)
    cells, still = nominal(law), np.zeros(POINTS)
    sizes = [
        np.maximum(law.size(cells, states, np.full(POINTS, up), np.full(POINTS, step), still), law.step * TINY)
        for up, step in [(True, cells.step_up), (False, cells.step_down)][: 1 if unidirectional else 2]
    ]
    return float(np.mean([1 / np.mean(1 / size) for size in sizes]))
