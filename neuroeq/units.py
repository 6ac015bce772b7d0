"""Physical values: ``"10 ms"`` in a file, SI floats and dimensions in the code.

pint reads the text; nothing else in the project touches it. A dimension is the tuple of the seven SI base
exponents (length, mass, time, current, temperature, substance, luminosity), which is also how Brian2 keeps it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from tokenize import TokenError
from typing import Any

from neuroeq.errors import SpecError

Dimension = tuple[float, float, float, float, float, float, float]

DIMENSIONLESS: Dimension = (0, 0, 0, 0, 0, 0, 0)
_VALUE = re.compile(
    r"\s*(?P<number>[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)"
    r"\s*(?P<unit>[^\W\d][\w\s*/^().-]*|/[\w\s*/^().-]+)?\s*"
)
_BASE = ("[length]", "[mass]", "[time]", "[current]", "[temperature]", "[substance]", "[luminosity]")

# The quantities that models here are made of: dimension, an example for messages, SI unit.
_KINDS: dict[str, tuple[Dimension, str, str]] = {
    "a number": (DIMENSIONLESS, "0.5", "1"),
    "a time": ((0, 0, 1, 0, 0, 0, 0), "10 ms", "s"),
    "a rate": ((0, 0, -1, 0, 0, 0, 0), "100 Hz", "Hz"),
    "a voltage": ((2, 1, -3, -1, 0, 0, 0), "20 mV", "V"),
    "a current": ((0, 0, 0, 1, 0, 0, 0), "1 nA", "A"),
    "a conductance": ((-2, -1, 3, 2, 0, 0, 0), "10 nS", "S"),
    "a resistance": ((2, 1, -3, -2, 0, 0, 0), "100 Mohm", "ohm"),
    "a capacitance": ((-2, -1, 4, 2, 0, 0, 0), "200 pF", "F"),
    "a charge": ((0, 0, 1, 1, 0, 0, 0), "1 pC", "C"),
    "an energy": ((2, 1, -2, 0, 0, 0, 0), "1 pJ", "J"),
    "a power": ((2, 1, -3, 0, 0, 0, 0), "1 uW", "W"),
    "a temperature": ((0, 0, 0, 0, 1, 0, 0), "300 K", "K"),
}
KINDS: dict[str, Dimension] = {kind: dimension for kind, (dimension, _, _) in _KINDS.items()}


@dataclass(frozen=True)
class Physical:
    """A value with its dimension.

    Parameters
    ----------
    value
        The number, in SI base units.
    dimension
        The exponents of the seven SI base units.
    """

    value: float
    dimension: Dimension


def kind_of(dimension: Dimension) -> str:
    """Return the name of a dimension, such as ``"a time"``."""
    return next((kind for kind, known in KINDS.items() if known == dimension), f"of dimension {dimension}")


def example_of(kind: str) -> str:
    """Return a value that is of that kind, as a user would write it."""
    return _KINDS[kind][1]


def symbol_of(dimension: Dimension) -> str:
    """Return the SI unit of a dimension, such as ``"V"``."""
    return next((unit for known, _, unit in _KINDS.values() if known == dimension), str(dimension))


@cache
def physical(text: str) -> Physical:
    """Read a physical value.

    Parameters
    ----------
    text
        A number and a unit, such as ``"10 ms"``, or a number alone.

    Raises
    ------
    SpecError
        If it is no finite number with a unit that pint knows.
    """
    match = _VALUE.fullmatch(text)
    if match is None or not math.isfinite(float(match["number"])):
        return _refuse(text)
    number, unit = float(match["number"]), match["unit"]
    if not unit:
        return Physical(number, DIMENSIONLESS)
    import pint

    try:
        quantity = _registry().Quantity(number, "1" + unit if unit.startswith("/") else unit).to_base_units()
    except (pint.PintError, ArithmeticError, AttributeError, TypeError, ValueError, TokenError):
        return _refuse(text)
    exponents = dict(quantity.dimensionality)
    if not math.isfinite(quantity.magnitude) or set(exponents) - set(_BASE):
        return _refuse(text)
    length, mass, time, current, temperature, substance, luminosity = (float(exponents.get(base, 0)) for base in _BASE)
    return Physical(float(quantity.magnitude), (length, mass, time, current, temperature, substance, luminosity))


def si(text: object, kind: str) -> float:
    """Read a physical value of a known kind.

    Parameters
    ----------
    text
        What stands in the file; only a string will do, so that no unit is ever guessed.
    kind
        One of `KINDS`, such as ``"a time"``.

    Returns
    -------
    float
        The value in SI units.

    Raises
    ------
    SpecError
        If the text is no string, cannot be read, or is a quantity of another kind.
    """
    expected = f"expected {kind}, such as '{example_of(kind)}'"
    if not isinstance(text, str):
        raise SpecError(f"is {text!r}; {expected}")
    value = physical(text)
    if value.dimension != KINDS[kind]:
        raise SpecError(f"is '{text}'; {expected}")
    return value.value


def text_of(value: float, unit: str) -> str:
    """Write an SI value with the prefix that reads best and loses nothing.

    >>> text_of(0.05, "s")
    '50 ms'
    """
    for prefix, factor in (("", 1.0), ("m", 1e-3), ("u", 1e-6), ("n", 1e-9), ("p", 1e-12), ("k", 1e3), ("M", 1e6)):
        text = f"{value / factor:.12g} {prefix}{unit}"
        if (value == 0 or 1 <= abs(value / factor) < 1000) and physical(text).value == value:
            return text
    return f"{value!r} {unit}"


def _refuse(text: str) -> Physical:
    raise SpecError(f"is '{text}'; expected a number and a unit, such as '10 ms'")


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()
