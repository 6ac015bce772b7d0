"""Many pulses to each device: in closed form, by a compiled kernel, or one after the other, whatever the law allows."""

from __future__ import annotations

from math import nan

import numpy as np

from neuroeq.describe.spec.device import Pulsed

from ...circuits.kernels import available
from .cells import Cells, pulse
from .exponential import ExpStep
from .straight import Straight

Array = np.ndarray


def pulses(law: Pulsed, cells: Cells, state: Array, number: Array, rng: np.random.Generator) -> Array:
    """Return the states of devices after whole numbers of pulses each.

    Parameters
    ----------
    law
        The law of the devices.
    cells
        The numbers that each device has of its own.
    state
        The states before the pulses, of any shape.
    number
        How many pulses each device gets, down where negative; of the shape of the states.
    rng
        Random numbers for the cycle-to-cycle noise.
    """
    number, after = number.reshape(-1), state.reshape(-1).copy()
    some = np.flatnonzero(number != 0)
    if len(some):
        some = some[_most_first(np.abs(number[some]))]
        after[some] = _train(law, cells.at(some), after[some], number[some].astype(np.int64), rng)
    return after.reshape(state.shape)


def _most_first(left: Array) -> Array:
    """Return the order of whole numbers from the largest on; it is found by counting where they are small."""
    most = int(left.max())
    return np.argsort((most - left).astype(np.min_scalar_type(most)), kind="stable")


def one_by_one(law: Pulsed, cells: Cells, state: Array, number: Array, rng: np.random.Generator) -> Array:
    """Return the states, (n,), of devices after pulses that are sent one by one; those with most pulses come first."""
    state, left, direction = state.copy(), np.abs(number), np.sign(number).astype(float)
    for turn in range(int(left.max(initial=0))):
        still = slice(np.searchsorted(-left, -turn))
        state[still] = pulse(law, cells.at(still), state[still], direction[still], rng)
    return state


def _train(law: Pulsed, cells: Cells, state: Array, number: Array, rng: np.random.Generator) -> Array:
    """Return the states after pulses, in the fastest way; laws that change `size` have no other than one by one."""
    if isinstance(law, Straight) and type(law).size is Straight.size:
        if not law.sigma_c2c:
            return _in_closed_form(law, cells, state, number, rng)
        if available():
            return _straight(law, cells, state, number, rng)
    if isinstance(law, ExpStep) and type(law).size is ExpStep.size and available():
        return _exponential(law, cells, state, number, rng)
    return one_by_one(law, cells, state, number, rng)


def _in_closed_form(law: Straight, cells: Cells, state: Array, number: Array, rng: np.random.Generator) -> Array:
    """Return the states after pulses without noise; those that could turn round are found one by one."""
    up, n, direction = number > 0, np.abs(number), np.sign(number)
    at_zero, slope = law.line(cells, up, cells.step(up))
    lost = np.broadcast_to(direction * slope, state.shape)
    one_way = (lost <= 1) & (state >= cells.low) & (state <= cells.high)
    with np.errstate(divide="ignore"):  # log 0, where one pulse goes all the way
        kept = np.log1p(-np.where(one_way, lost, 0.0))
    steps = np.where(lost == 0, n, -np.expm1(n * kept) / np.where(lost == 0, nan, lost))
    after = np.clip(state + direction * (at_zero - slope * state) * steps, cells.low, cells.high)
    other = np.flatnonzero(~one_way)
    after[other] = one_by_one(law, cells.at(other), state[other], number[other], rng)
    return after


def _straight(law: Straight, cells: Cells, state: Array, number: Array, rng: np.random.Generator) -> Array:
    from .kernels import straight

    up = number > 0
    step = cells.step(up)
    line = [_each(value, state) for value in (*law.line(cells, up, step), step)]
    state = state.copy()
    straight(state, *_sent(number, cells, state), *line, law.proportional, law.sigma_c2c, rng)
    return state


def _exponential(law: ExpStep, cells: Cells, state: Array, number: Array, rng: np.random.Generator) -> Array:
    from .kernels import exponential

    low, high = law.range
    curves = (
        (2 * law.a / (high - low), law.b),
        (law.a_up, law.a_down),
        (law.gamma_up, -law.gamma_down),
    )
    added = (0.0, 0.0) if law.noise_add is None else (law.noise_add, law.noise_slope)
    state = state.copy()
    exponential(state, *_sent(number, cells, state), curves, cells.step(number > 0), added, law.sigma_c2c, rng)
    return state


def _sent(number: Array, cells: Cells, state: Array) -> tuple[Array, Array, Array, Array]:
    """Return direction, numbers of pulses, and limits of devices, as the kernels take them."""
    return np.sign(number).astype(float), np.abs(number), _each(cells.low, state), _each(cells.high, state)


def _each(value: Array | float, state: Array) -> Array:
    """Return a number of each device, (n,), in memory of its own."""
    return np.ascontiguousarray(np.broadcast_to(value, state.shape), float)
