"""Code in files: the types of fields that hold it, so that a description holds only what has passed the gate."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from neuroeq.errors import SpecError
from neuroeq.units import KINDS, physical

from ..expressions import expression, identifier
from ..statements import equations, statements
from .base import Value

_DRAWN = re.compile(r"(uniform|normal)\(([^,()]+),([^,()]+)\)")


def distribution(value: Value) -> str | None:
    """Return ``uniform`` or ``normal`` for a start value that is drawn, and None for one that is given."""
    match = _DRAWN.fullmatch(value.strip()) if isinstance(value, str) else None
    return match[1] if match else None


def start_values(value: Value) -> tuple[Value, ...]:
    """Return the one or two values of a start value, as in the file: itself, or those of its distribution."""
    match = _DRAWN.fullmatch(value.strip()) if isinstance(value, str) else None
    return (match[2].strip(), match[3].strip()) if match else (value,)


def _quantity(value: Value) -> Value:
    if isinstance(value, str):
        try:
            physical(value)
        except SpecError as error:
            raise ValueError(str(error)) from None
    return value


def _start(value: Value) -> Value:
    values = [_quantity(each) for each in start_values(value)]
    return value if len(values) == 1 else f"{distribution(value)}({values[0]}, {values[1]})"


def _refractory(text: str) -> str:
    try:
        value = physical(text)
    except SpecError:
        return expression(text)
    if value.dimension != KINDS["a time"] or value.value < 0:
        raise ValueError(f"is '{text}'; expected a time of 0 or more, such as '2 ms', or an expression")
    return text


Identifier = Annotated[str, AfterValidator(identifier)]
"""The name of a variable."""
Expression = Annotated[str, AfterValidator(expression)]
"""An expression in Brian2's syntax."""
Statements = Annotated[str, AfterValidator(statements)]
"""Assignments in Brian2's syntax, one a line."""
Equations = Annotated[str, AfterValidator(equations)]
"""Equations in Brian2's syntax, one a line."""
Quantity = Annotated[Value, AfterValidator(_quantity)]
"""A number, or a string with a unit."""
Start = Annotated[Value, AfterValidator(_start)]
"""A start value: a number, a string with a unit, or ``uniform(low, high)`` or ``normal(mean, sd)`` of two of them."""
Refractory = Annotated[str, AfterValidator(_refractory)]
"""A time such as ``2 ms``, or an expression: of a time, or of whether the unit is refractory."""
