"""What is varied in a sweep: the grid of keys, each alone, in step with others, drawn at random or from a file.

points = factor 1 x factor 2 x ...
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from neuroeq.errors import SpecError
from neuroeq.randomness import Streams
from neuroeq.units import text_of

from .values import MOST, as_numbers, check_once, key_and_values, value_of

EXACT = 2**53
"""Floats hold all whole numbers below it."""
Point = dict[str, str]
"""The values of one cell by key, each as it would follow ``--set KEY=``."""


@dataclass(frozen=True)
class Factor:
    """Keys that vary together.

    Parameters
    ----------
    name
        The name of the dimension: the key, or ``"zip"``, ``"sample"`` or ``"set"`` of several keys.
    points
        The values of the keys, one table for each place along the dimension.
    """

    name: str
    points: tuple[Point, ...]

    @property
    def keys(self) -> list[str]:
        """The keys, in the order in which they were given."""
        return list(dict.fromkeys(key for point in self.points for key in point))


@dataclass(frozen=True)
class Drawn:
    """Random points, as ``--sample`` draws them.

    Parameters
    ----------
    n, seed
        The number of points and the seed that they are drawn with; more points begin with the same ones.
    log, uniform
        The ranges, such as ``"phases.beta=0.01,1"``, in which logarithms or values are distributed evenly. If both ends
        are whole numbers, so are the values.
    """

    n: int
    seed: int = 0
    log: Sequence[str] = ()
    uniform: Sequence[str] = ()


def factors_of(
    vary: Sequence[str] = (),
    zipped: Sequence[str] = (),
    drawn: Drawn | None = None,
    sets: str | Path | None = None,
) -> list[Factor]:
    """Return the factors of a grid.

    Parameters
    ----------
    vary
        The keys that vary alone, such as ``"phases.beta=0.05,0.1"``.
    zipped
        The keys that vary in step, each with the same number of values.
    drawn
        The random points; None for none.
    sets
        A CSV file with a point in each row and a key in each column; an empty entry leaves its key alone.

    Raises
    ------
    SpecError
        If nothing is varied, a key is varied twice, or values do not fit.
    """
    factors = []
    for text in vary:
        key, values = key_and_values(text, "--vary")
        check_once(key, values, "--vary")
        factors.append(Factor(key, tuple({key: value} for value in values)))
    factors += [_in_step(zipped)] if zipped else []
    factors += [_sample(drawn)] if drawn is not None else []
    factors += [_rows(Path(sets))] if sets is not None else []
    if not factors:
        raise SpecError("sweep: nothing is varied; give --vary KEY=V1,V2,..., such as --vary phases.beta=0.05,0.1.")
    keys = [key for factor in factors for key in factor.keys]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise SpecError(f"sweep: '{key}' is varied twice; give all of its values once.")
    size = math.prod(len(factor.points) for factor in factors)
    if size > MOST:
        raise SpecError(f"sweep: the grid has {size:,} points; expected {MOST:,} at most.")
    return factors


def points_of(factors: Sequence[Factor]) -> list[Point]:
    """Return all points of a grid; the last factor varies fastest."""
    return [
        {key: value for part in parts for key, value in part.items()}
        for parts in product(*(factor.points for factor in factors))
    ]


def _in_step(zipped: Sequence[str]) -> Factor:
    columns = dict(key_and_values(text, "--zip") for text in zipped)
    if len(columns) < len(zipped):
        raise SpecError("--zip: a key is given twice; give all of its values once.")
    lengths = {key: len(values) for key, values in columns.items()}
    if len(set(lengths.values())) > 1:
        counted = ", ".join(f"{key} has {n}" for key, n in lengths.items())
        raise SpecError(f"--zip: keys that vary in step need as many values each, but {counted}.")
    return _factor("zip", columns)


def _sample(drawn: Drawn) -> Factor:
    ranges = [(text, "--log") for text in drawn.log] + [(text, "--uniform") for text in drawn.uniform]
    if drawn.n < 1 or not ranges:
        raise SpecError("--sample: expected at least 1 cell, and --log KEY=LOW,HIGH or --uniform KEY=LOW,HIGH.")
    columns: dict[str, list[str]] = {}
    for text, option in ranges:
        key, ends = key_and_values(text, option)
        if key in columns:
            raise SpecError(f"{option}: '{key}' is given twice; give one range for each key.")
        columns[key] = _draws(key, ends, option, drawn)
    return _factor("sample", columns)


def _draws(key: str, ends: Sequence[str], option: str, drawn: Drawn) -> list[str]:
    """Return random values of a key as text."""
    values = [value_of(key, end) for end in ends]
    read = as_numbers(values)
    if len(ends) != 2 or read is None or not _increasing(read[0], option == "--log"):
        above = " above 0" if option == "--log" else ""
        raise SpecError(f"{option} {key}={','.join(ends)}: expected LOW,HIGH, two numbers{above} in that order.")
    (low, high), unit = read
    share = Streams(drawn.seed).child(f"sample {key}").random(drawn.n)
    whole = all(isinstance(value, int) and abs(value) < EXACT for value in values)
    if option == "--log":
        numbers = low * (high / low) ** share
    else:
        numbers = np.floor(low + (high - low + 1) * share) if whole else low + (high - low) * share
    if whole:
        return [str(number) for number in np.rint(numbers).astype(int)]
    digits = [float(f"{number:.6g}") for number in numbers]
    if unit == "steps":
        return [f"{max(1, round(number))} steps" for number in numbers]
    return [text_of(number, unit) if unit else repr(number) for number in digits]


def _increasing(ends: Sequence[float], log: bool) -> bool:
    """Whether two numbers, or their logarithms, are the ends of a range."""
    low, high = ends
    return low < high and (low > 0 and high / low < math.inf if log else high - low < math.inf)


def _rows(path: Path) -> Factor:
    """Return the points of a CSV file."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, strict=True, restkey="", restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise SpecError(f"--sets {path}: cannot be read as CSV ({said}).") from None
    for number, row in enumerate(rows, 2):
        if "" in row:
            raise SpecError(f"--sets {path}: line {number} has more entries than there are keys in the first line.")
    points = [{key.strip(): value.strip() for key, value in row.items() if value.strip()} for row in rows]
    if not any(points):
        raise SpecError(f"--sets {path}: has no values; expected a key in each column and a cell in each row.")
    for key in {key for point in points for key in point}:
        key_and_values(f"{key}=0", f"--sets {path}:")
    return Factor("set", tuple(points))


def _factor(name: str, columns: Mapping[str, Sequence[str]]) -> Factor:
    """Return the factor of several columns; one of a single key is named by it."""
    points = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return Factor(next(iter(columns)) if len(columns) == 1 else name, tuple(points))
