"""Values of a key as users write them, such as ``phases.beta=0.05,0.1``, ``levels=2,4,...,256`` or ``"1 s,1 h"``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

from neuroeq.describe.spec import setting
from neuroeq.errors import NeuroeqError, SpecError, given
from neuroeq.units import DIMENSIONLESS, physical, symbol_of

DOTS = "..."
MOST = 100_000
"""The largest number of values of a progression, and of cells of a sweep."""
OPEN, CLOSED, QUOTES = "[{(", "]})", "\"'"


def key_and_values(text: str, option: str) -> tuple[str, list[str]]:
    """Return the key and the values of ``KEY=V1,V2,...``, each value as it would follow ``--set KEY=``.

    >>> key_and_values("phases.beta=0.1, 0.2", "--vary")
    ('phases.beta', ['0.1', '0.2'])
    >>> key_and_values("hardware.synapse.levels=2,4,...,32", "--vary")
    ('hardware.synapse.levels', ['2', '4', '8', '16', '32'])

    Raises
    ------
    SpecError
        If there is no key or no value, or a value is left empty or given twice.
    """
    key, equals, listed = (part.strip() for part in text.partition("="))
    if not equals or not all(part.strip() for part in key.split(".")):
        raise SpecError(f"{option} {text}: expected KEY=V1,V2,... with a dotted key, such as phases.beta=0.05,0.1.")
    if key.split(".")[0] == "run":
        raise SpecError(f"{option} {key}: is no key of a network; --seeds gives the number of seeds of each cell.")
    values = split(listed)
    if not all(values):
        empty = "has no values" if len(values) == 1 else "has an empty value"
        raise SpecError(f"{option} {text}: {empty}; expected KEY=V1,V2,..., such as phases.beta=0.05,0.1.")
    return key, _whole(values, f"{option} {text}") if DOTS in values else values


def value_of(key: str, text: str) -> Any:
    """Return what a value stands for: a number, a truth value or a text; lists and tables stay the text that they are.

    Raises
    ------
    SpecError
        If it is a date or a time of day, which no key has.
    """
    table: Any = reduce(lambda found, part: found[part.strip()], key.split("."), setting(f"{key}={text}"))
    try:
        json.dumps(table)
    except TypeError:
        raise SpecError(f"{key}={text}: is a date; expected a number, a truth value or a text.") from None
    return text if isinstance(table, list | dict) else table


def plain(value: Any) -> Any:
    """Return a value of Python, NumPy or a table of these as text, numbers, truth values, lists and tables.

    Raises
    ------
    SpecError
        If it is anything else.
    """
    value = value.tolist() if hasattr(value, "tolist") else getattr(value, "__name__", value)
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if not isinstance(value, str | int | float):
        raise SpecError(
            f"{given(value)} is no value of a key; expected a number, true or false, text, a list or a table."
        )
    return value


def text_of_value(value: Any) -> str:
    """Return a value of Python as TOML, as it would follow ``--set KEY=``.

    >>> text_of_value(0.5), text_of_value(True), text_of_value("10 ms"), text_of_value({"a": [1, 2]})
    ('0.5', 'true', '"10 ms"', '{"a" = [1, 2]}')

    Raises
    ------
    SpecError
        If there is no such value.
    """
    value = plain(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)} = {text_of_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text_of_value, value)) + "]"
    return _quoted(value) if isinstance(value, str) else str(value).lower()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def check_once(key: str, values: Sequence[str], option: str) -> None:
    """Refuse a value that is given twice, however it is written.

    Raises
    ------
    SpecError
        If one is.
    """
    seen: list[Any] = []
    for text in values:
        value = value_of(key, text)
        if any(value == each and type(value) is type(each) for each in seen):
            raise SpecError(f"{option} {key}: the value {text} is given twice; name every value once.")
        seen.append(value)


def as_numbers(values: Sequence[Any]) -> tuple[list[float], str] | None:
    """Return values as numbers with their unit, such as ``"s"`` or ``"steps"``; None if any is none.

    >>> as_numbers([1, 2.5]), as_numbers(["1 s", "1 min"]), as_numbers(["4 steps", "8 steps"])
    (([1.0, 2.5], ''), ([1.0, 60.0], 's'), ([4.0, 8.0], 'steps'))
    """
    if not values or any(isinstance(value, bool) or not isinstance(value, int | float | str) for value in values):
        return None
    texts = [value.split() if isinstance(value, str) else [str(value), ""] for value in values]
    try:
        if all(len(each) == 2 and each[1] == "steps" for each in texts):
            return [float(each[0]) for each in texts], "steps"
        read = [physical(value) if isinstance(value, str) else None for value in values]
        numbers = [
            float(value) if each is None else each.value  # type: ignore[arg-type]
            for value, each in zip(values, read, strict=True)
        ]
    except (NeuroeqError, ValueError, OverflowError):
        return None
    units = {DIMENSIONLESS if each is None else each.dimension for each in read}
    if len(units) > 1:
        return None
    dimension = units.pop()
    return numbers, "" if dimension == DIMENSIONLESS else symbol_of(dimension)


def split(text: str) -> list[str]:
    """Split at commas that stand outside quotes and brackets."""
    parts, depth, quote, escaped = [""], 0, "", False
    for character in text:
        if escaped:
            escaped = False
        elif quote:
            escaped = character == "\\" and quote == '"'
            quote = "" if character == quote else quote
        elif character in QUOTES:
            quote = character
        depth += 0 if quote else (character in OPEN) - (character in CLOSED)
        if character == "," and not quote and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _whole(values: list[str], where: str) -> list[str]:
    """Return a progression in full: by a factor if that ends on its last value, else by a difference.

    With three values before the dots, these decide.
    """
    at = values.index(DOTS)
    try:
        first, last = [float(value) for value in values[:at]], [float(value) for value in values[at + 1 :]]
    except ValueError:
        first, last = [], []
    if len(first) not in (2, 3) or len(last) != 1 or not all(map(math.isfinite, (*first, *last))):
        raise SpecError(f"{where}: expected two or three numbers before '...' and one after it, as in 2,4,...,256.")
    numbers = _by_factor(first, last[0]) or _by_difference(first, last[0])
    if not numbers:
        raise SpecError(f"{where}: neither equal factors nor equal differences lead to {values[-1]}.")
    whole = all(value.lstrip("+-").isdigit() for value in (*values[:at], values[-1]))
    return [str(round(number)) if whole else f"{number:.12g}" for number in numbers]


def _by_factor(first: list[float], last: float) -> list[float]:
    if not all(number > 0 for number in (*first, last)) or first[0] == first[1]:
        return []
    ratio = first[1] / first[0]
    steps = math.log(last / first[0]) / math.log(ratio)
    return _checked([first[0] * ratio**index for index in _indices(steps)], first, steps)


def _by_difference(first: list[float], last: float) -> list[float]:
    if first[0] == first[1]:
        return []
    steps = (last - first[0]) / (first[1] - first[0])
    return _checked([first[0] + index * (first[1] - first[0]) for index in _indices(steps)], first, steps)


def _indices(steps: float) -> range:
    return range(round(steps) + 1) if 0 < steps < MOST else range(0)


def _checked(numbers: list[float], first: list[float], steps: float) -> list[float]:
    """Return the numbers if they go through the first ones and end on the last one."""
    fits = len(numbers) > len(first) and abs(steps - round(steps)) < 1e-6
    close = fits and all(math.isclose(*pair, rel_tol=1e-9) for pair in zip(numbers, first, strict=False))
    return numbers if close else []
