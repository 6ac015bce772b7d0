"""Physical values: ``"10 ms"`` in a file, SI floats and dimensions in the code.

A value is a number and a unit: names of units, multiplied and divided, each to a small whole power. That grammar is
read here in linear time. Usual units are known here, and pint, which nothing else in the project touches, is asked for
the size of others, one named unit at a time; no text is ever evaluated. A dimension is the tuple of the seven SI base
exponents (length, mass, time, current, temperature, substance, luminosity), which is also how Brian2 keeps it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NoReturn

from neuroeq.errors import SpecError, given

Dimension = tuple[float, float, float, float, float, float, float]

DIMENSIONLESS: Dimension = (0, 0, 0, 0, 0, 0, 0)
LONGEST = 100
"""The largest number of characters in a value and its unit."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_FACTOR = re.compile(r" *(?P<by>[*/]?) *(?P<name>[^\W\d_]\w*)( *(\*\*|\^) *(?P<power>-?[1-9]))? *")
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
    "an area": ((2, 0, 0, 0, 0, 0, 0), "0.1 um**2", "m**2"),
    "a temperature": ((0, 0, 0, 0, 1, 0, 0), "300 K", "K"),
}
_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k"}
_SIZES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_USUAL: dict[str, tuple[float, Dimension]] = {
    prefix + unit: (size, dimension)
    for dimension, _, unit in _KINDS.values()
    if unit.isalpha()
    for prefix, size in _SIZES.items()
}
"""The sizes and dimensions of units that need no pint, whose import takes a third of a second."""
_LONG_TIMES = (("year", 31_557_600.0), ("day", 86_400.0), ("h", 3600.0), ("min", 60.0))
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


@lru_cache(maxsize=4096)
def physical(text: str) -> Physical:
    """Read a physical value.

    Parameters
    ----------
    text
        A number and a unit, such as ``"10 ms"``, or a number alone. A unit is made of names with ``*``, ``/`` or a
        space between them, each of which may have a whole power from -9 to 9, such as ``"1 uA/V**2"``.

    Raises
    ------
    SpecError
        If it is no finite number with a unit that pint knows, or longer than `LONGEST`.
    """
    text = text.strip(" ") if len(text) <= LONGEST else _refuse(text)
    number = _NUMBER.match(text) or _refuse(text)
    factors = _factors(text[number.end() :])
    if factors is None:
        _refuse(text)
    usual = _usual(factors)
    if usual is not None:
        return _finite(float(number[0]) * usual[0], usual[1], text)
    try:
        value, dimension = _in_si(float(number[0]), factors)
    except _unreadable():
        _refuse(text)
    return _finite(value, dimension, text)


def _finite(value: float, dimension: Dimension, text: str) -> Physical:
    return Physical(value, dimension) if math.isfinite(value) else _refuse(text)


def _factors(unit: str) -> Counter[str] | None:
    """Return the names in a unit with their powers; None if it is no product of names."""
    powers: Counter[str] = Counter()
    place = 0
    while place < len(unit):
        factor = _FACTOR.match(unit, place)
        if factor is None or (place == 0 and factor["by"] == "*"):
            return None
        powers[factor["name"]] += int(factor["power"] or 1) * (-1 if factor["by"] == "/" else 1)
        place = factor.end()
    return powers


def _usual(factors: Counter[str]) -> tuple[float, Dimension] | None:
    """Return the size and the dimension of a usual unit that stands alone, or of none; None for another unit."""
    if not factors:
        return 1.0, DIMENSIONLESS
    (name, power), *more = factors.items()
    return _USUAL.get(name) if power == 1 and not more else None


def _in_si(number: float, factors: Counter[str]) -> tuple[float, Dimension]:
    """Return a number of some unit in SI base units, and its dimension."""
    registry = _registry()
    powers: Counter[str] = Counter()
    for name, power in factors.items():
        powers[registry.get_name(name)] += power
    unit = registry.UnitsContainer({name: power for name, power in powers.items() if name and power})
    quantity = registry.Quantity(number, unit).to_base_units()
    exponents = dict(quantity.dimensionality)
    if set(exponents) - set(_BASE):
        raise ValueError("a dimension that is not one of the seven of SI")
    length, mass, time, current, temperature, substance, luminosity = (float(exponents.get(base, 0)) for base in _BASE)
    return float(quantity.magnitude), (length, mass, time, current, temperature, substance, luminosity)


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
        raise SpecError(f"is {given(text)}; {expected}")
    value = physical(text)
    if value.dimension != KINDS[kind]:
        raise SpecError(f"is {given(text)}; {expected}")
    return value.value


def text_of(value: float, unit: str) -> str:
    """Write an SI value with the prefix that reads best and loses nothing; long times in minutes, hours, days or years.

    >>> text_of(0.05, "s"), text_of(7200, "s")
    ('50 ms', '2 h')
    """
    for name, factor in _LONG_TIMES if unit == "s" else ():
        text = f"{value / factor:.12g} {name}"
        if abs(value) >= factor and value % factor == 0 and physical(text).value == value:
            return text
    for prefix, factor in (("", 1.0), ("m", 1e-3), ("u", 1e-6), ("n", 1e-9), ("p", 1e-12), ("k", 1e3), ("M", 1e6)):
        text = f"{value / factor:.12g} {prefix}{unit}"
        if (value == 0 or 1 <= abs(value / factor) < 1000) and physical(text).value == value:
            return text
    return f"{value!r} {unit}"


def short_text(value: float, unit: str) -> str:
    """Write an SI value with three digits and an SI prefix, for people to read.

    >>> short_text(3.9162e-11, "J")
    '39.2 pJ'
    """
    size, prefix = prefixed(value)
    return f"{value / size:.3g} {prefix}{unit}"


def prefixed(value: float, most: int = 3) -> tuple[float, str]:
    """Return the power of ten, 10^most at the most, whose SI prefix makes a value easiest to read, and the prefix.

    >>> prefixed(1.25e-9)
    (1e-09, 'n')
    """
    power = min(most, max(-18, 3 * math.floor(math.log10(abs(value)) / 3))) if value else 0
    return 10.0**power, _PREFIXES[power]


def _refuse(text: str) -> NoReturn:
    raise SpecError(f"is {given(text)}; expected a number and a unit, such as '10 ms'")


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()


@cache
def _unreadable() -> tuple[type[Exception], ...]:
    """Return what pint raises for units that it does not know or cannot convert."""
    import pint

    return (pint.PintError, ArithmeticError, AttributeError, KeyError, TypeError, ValueError)
