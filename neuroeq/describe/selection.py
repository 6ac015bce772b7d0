"""Units of a layer that a user selects: ``"0:20"`` are the first twenty, ``"0:100:5"`` every fifth, ``"3"`` is one."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from neuroeq.errors import SpecError, given

Units = str | int | slice | Iterable[int]
"""A selection as a user gives it: text, a number, a slice, or numbers."""
ALL = "all"
EXPECTED = "expected units such as '0:20', '3', '0:100:5', '0:5+9' or 'all'"
_PART = re.compile(r"(\d{1,8})|(\d{0,8}):(\d{0,8})(?::([1-9]\d{0,7}))?")


def selected(units: Units, size: int, where: str) -> np.ndarray:
    """Return the numbers of selected units, in their order and each once: (n,).

    Parameters
    ----------
    units
        ``"all"``, ``"3"``, ``"0:20"`` without its end, ``"0:100:5"``, or several of these with plus signs between them;
        or a number, a slice or numbers.
    size
        The number of units of the layer.
    where
        What the selection is for, as a message begins.

    Raises
    ------
    SpecError
        If it is no selection, or selects none of the units, or some that do not exist.
    """
    if isinstance(units, str):
        found = [number for part in units.split("+") for number in _of_text(part.strip(), size, where, units)]
    else:
        found = list(range(size))[units] if isinstance(units, slice) else np.atleast_1d(list(_numbers(units))).tolist()
    chosen = np.unique(np.asarray(found, int))
    if not len(chosen) or chosen[0] < 0 or chosen[-1] >= size:
        raise SpecError(f"{where}: selects {given(_said(units))}; expected some of units 0 to {size - 1}.")
    return chosen


def check_text(units: str) -> str:
    """Return a selection that is written as text, as validation of files asks.

    Raises
    ------
    ValueError
        If it is no selection.
    """
    for part in units.split("+"):
        if part.strip() != ALL and not _PART.fullmatch(part.strip()):
            raise ValueError(f"is {given(units)}; {EXPECTED}")
    return units


def _of_text(part: str, size: int, where: str, whole: str) -> Iterable[int]:
    if part == ALL:
        return range(size)
    match = _PART.fullmatch(part)
    if match is None:
        raise SpecError(f"{where}: is {given(whole)}; {EXPECTED}.")
    one, start, end, step = match.groups()
    if one is not None:
        return [int(one)]
    return range(int(start or 0), int(end) if end else size, int(step or 1))


def _numbers(units: int | Iterable[int]) -> Iterable[int]:
    return [units] if isinstance(units, int | np.integer) else units  # type: ignore[list-item]


def _said(units: Units) -> str:
    if isinstance(units, slice):
        return f"{units.start or 0}:{units.stop if units.stop is not None else ''}"
    return str(units)
