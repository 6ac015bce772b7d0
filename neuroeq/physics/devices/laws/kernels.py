"""Trains of pulses, compiled by numba: the numbers of `one_by_one`, with the same random numbers in the same order.

All kernels take devices with the most pulses first, and change their states in place.
"""

from __future__ import annotations

from math import exp
from typing import Any

import numba

compiled: Any = numba.njit(cache=True, nogil=True)


@compiled
def straight(state, direction, left, low, high, at_zero, slope, step, proportional, sigma, rng):
    """Send `left` pulses to each device whose step is at_zero - slope w."""
    still = len(state)
    for turn in range(left[0]):
        while left[still - 1] <= turn:
            still -= 1
        for i in range(still):
            size = at_zero[i] - slope[i] * state[i]
            if sigma > 0:
                noise = sigma * rng.standard_normal()
                size = size * (1 + noise) if proportional else size + step[i] * noise
            state[i] = min(max(state[i] + direction[i] * size, low[i]), high[i])


@compiled
def exponential(state, direction, left, low, high, curves, step, added, sigma, rng):
    """Send `left` pulses to each device whose step is s max(1 - A exp(gamma z), 0), with A, gamma for up and down."""
    (stretch, offset), factors, exponents = curves
    still = len(state)
    for turn in range(left[0]):
        while left[still - 1] <= turn:
            still -= 1
        for i in range(still):
            side = 0 if direction[i] > 0 else 1
            z = stretch * state[i] + offset
            size = step[i] * max(1 - factors[side] * exp(exponents[side] * z), 0.0)
            if sigma > 0:
                size += sigma * rng.standard_normal() * (size + added[0] + added[1] * abs(state[i]))
            state[i] = min(max(state[i] + direction[i] * size, low[i]), high[i])
