"""What one inference and one update cost, part by part; the whole is the sum of the parts that are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Cost = Mapping[str, float | None]
"""A cost by its parts; None where the hardware file does not give what a part is computed from."""


@dataclass(frozen=True)
class Parts:
    """A cost by its parts: energies in joules, or times in seconds.

    Parameters
    ----------
    inference
        The cost of the inference of one example.
    update
        The cost of the update from one batch, without its free phases.
    """

    inference: Cost
    update: Cost


def total(parts: Cost) -> float:
    """Return the sum of the parts that are given."""
    return sum(value for value in parts.values() if value is not None)


def not_given(parts: Cost) -> list[str]:
    """Return the names of the parts that are not given, and so not in the total."""
    return [name for name, value in parts.items() if value is None]


def times(number: float, each: float | None) -> float | None:
    """Return a number times what each costs; None if that is not given."""
    return None if each is None else number * each


def added(values: Iterable[float | None]) -> float | None:
    """Return a sum; None if some value in it is not given."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)
