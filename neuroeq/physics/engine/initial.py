"""Start values of a model: a number, a value with a unit, or ``uniform(low, high)`` drawn for every unit and sample."""

from __future__ import annotations

import numpy as np

from neuroeq.describe.spec.code import start_limits
from neuroeq.units import physical


def limits(value: str | float) -> list[float]:
    """Return a start value in SI units, or both ends of its distribution."""
    return [physical(str(limit)).value for limit in start_limits(value)]


def draw(value: str | float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray | float:
    """Return start values in SI units.

    Parameters
    ----------
    value
        The start value as it is written in the file.
    shape
        Shape of the array of start values.
    rng
        Random numbers for a value that is drawn.
    """
    low, *high = limits(value)
    return rng.uniform(low, high[0], shape) if high else low
