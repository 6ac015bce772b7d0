"""Start values of a model: a number, a value with a unit, or one that is drawn for every unit and sample."""

from __future__ import annotations

import numpy as np

from neuroeq.describe.spec.code import distribution, start_values
from neuroeq.units import physical


def start(value: str | float) -> list[float]:
    """Return a start value in SI units, or both values of its distribution."""
    return [physical(str(each)).value for each in start_values(value)]


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
    first, *second = start(value)
    if not second:
        return first
    return (rng.normal if distribution(value) == "normal" else rng.uniform)(first, second[0], shape)
