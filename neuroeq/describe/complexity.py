"""What an expression costs: constants stay numbers that fit a float, and symbols can be multiplied out in time.

SymPy computes with constants exactly and multiplies products out, so that a short text such as ``10**10**10`` can keep
it busy for ever. An expression is therefore measured before SymPy sees it, with the lines that it refers to put in.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Function:
    """A function that expressions can call.

    Parameters
    ----------
    arguments
        Number of its arguments.
    of_numbers
        Its value at numbers; None for a function that draws random numbers or depends on the time step.
    """

    arguments: int
    of_numbers: Callable[..., float] | None


FUNCTIONS: dict[str, Function] = {
    "abs": Function(1, abs),
    "arccos": Function(1, math.acos),
    "arcsin": Function(1, math.asin),
    "arctan": Function(1, math.atan),
    "ceil": Function(1, math.ceil),
    "clip": Function(3, lambda x, low, high: min(max(x, low), high)),
    "cos": Function(1, math.cos),
    "cosh": Function(1, math.cosh),
    "exp": Function(1, math.exp),
    "expm1": Function(1, math.expm1),
    "exprel": Function(1, lambda x: math.expm1(x) / x if x else 1.0),
    "floor": Function(1, math.floor),
    "int": Function(1, int),
    "log": Function(1, math.log),
    "log10": Function(1, math.log10),
    "log1p": Function(1, math.log1p),
    "poisson": Function(1, None),
    "rand": Function(0, None),
    "randn": Function(0, None),
    "sign": Function(1, lambda x: math.copysign(bool(x), x)),
    "sin": Function(1, math.sin),
    "sinh": Function(1, math.sinh),
    "sqrt": Function(1, math.sqrt),
    "tan": Function(1, math.tan),
    "tanh": Function(1, math.tanh),
    "timestep": Function(2, None),
}
"""The functions of Brian2, by name."""

MOST_NODES = 5_000
"""Size of the largest expression, with the lines that it refers to put in."""
MOST_TERMS = 2_000
"""Number of terms of the largest expression, multiplied out."""
TALLEST, TALLEST_ROUNDED = 3, 1
"""How many exponentials and powers may be within each other, and within a whole number, which has all their digits."""
HIGHEST_POWER = 100.0
"""The largest constant exponent."""
BIGGEST = 1e300
"""The largest constant."""
GROWING = ("exp", "expm1", "exprel", "cosh", "sinh")
ROUNDING = ("ceil", "floor", "int", "sign", "timestep")
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


@dataclass(frozen=True)
class Cost:
    """The measure of an expression.

    Parameters
    ----------
    nodes
        Number of its numbers, names, operators and calls.
    terms
        Number of its terms when it is multiplied out.
    tower
        How many exponentials and powers are within each other.
    value
        Its value if it is constant.
    """

    nodes: int = 1
    terms: int = 1
    tower: int = 0
    value: float | None = None


def check_constants(tree: ast.expr) -> None:
    """Refuse an expression that takes too long by itself.

    Raises
    ------
    ValueError
        If a constant is divided by zero or grows too large, or powers are too high.
    """
    cost_of(tree, {})


def cost_of(node: ast.expr, lines: Mapping[str, Cost]) -> Cost:
    """Return what an expression costs, with the lines that it refers to by name put in.

    Raises
    ------
    ValueError
        If it costs too much, or a constant in it is no finite number.
    """
    match node:
        case ast.Constant():
            number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
            return Cost(value=float(node.value) if number else None)  # type: ignore[arg-type]
        case ast.Name():
            return lines.get(node.id) or Cost(value={"pi": math.pi, "e": math.e}.get(node.id))
    children = [cost_of(child, lines) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    nodes = 1 + sum(child.nodes for child in children)
    tower = max((child.tower for child in children), default=0) + _grows(node)
    terms = min(_terms(node, children), MOST_TERMS + 1)
    if nodes > MOST_NODES or terms > MOST_TERMS:
        raise ValueError(
            f"is too large to be worked with: {nodes:,} numbers, names and operators, or {terms:,} terms and more once "
            f"it is multiplied out; expected at most {MOST_NODES:,} and {MOST_TERMS:,}"
        )
    if tower > (TALLEST_ROUNDED if _rounds(node) else TALLEST):
        raise ValueError(
            f"has {tower} exponentials or powers within each other; expected at most {TALLEST}, and at most "
            f"{TALLEST_ROUNDED} where the result is rounded"
        )
    return Cost(nodes, terms, tower, _value(node, children))


def _grows(node: ast.expr) -> int:
    """Return 1 for an exponential or a power."""
    if isinstance(node, ast.BinOp):
        return int(isinstance(node.op, ast.Pow))
    return int(isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GROWING)


def _rounds(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.FloorDiv | ast.Mod)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ROUNDING


def _terms(node: ast.expr, children: list[Cost]) -> int:
    if not isinstance(node, ast.BinOp):
        return max((child.terms for child in children), default=1)
    left, right = children
    if isinstance(node.op, ast.Add | ast.Sub):
        return left.terms + right.terms
    if isinstance(node.op, ast.Mult):
        return left.terms * right.terms
    if not isinstance(node.op, ast.Pow) or right.value is None:
        return max(left.terms, right.terms)
    if abs(right.value) > HIGHEST_POWER:
        raise ValueError(
            f"has the power {right.value:g}; expected exponents from -{HIGHEST_POWER:g} to {HIGHEST_POWER:g}"
        )
    power = max(abs(int(right.value)), 1)
    return math.comb(left.terms + power - 1, power)


def _value(node: ast.expr, children: list[Cost]) -> float | None:
    """Return the value of an operation on constants."""
    values = [child.value for child in children]
    try:
        match node:
            case ast.BinOp() if type(node.op) in _ARITHMETIC:
                left, right = values
                if left is None or right is None:
                    if right == 0 and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
                        raise ZeroDivisionError
                    return None
                value = _ARITHMETIC[type(node.op)](left, right)
            case ast.UnaryOp(op=ast.USub()):
                value = None if values[0] is None else -values[0]
            case ast.UnaryOp(op=ast.UAdd()):
                value = values[0]
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in FUNCTIONS:
                of_numbers, given = FUNCTIONS[name].of_numbers, values[1:]
                if of_numbers is None or None in given or len(arguments) != FUNCTIONS[name].arguments:
                    return None
                value = float(of_numbers(*given))
            case _:
                return None
    except ZeroDivisionError:
        raise ValueError("divides a number by zero; expected a number other than 0 there") from None
    except (OverflowError, ValueError):
        value = math.inf
    if value is not None and (isinstance(value, complex) or not abs(value) <= BIGGEST):
        raise ValueError(f"has a constant that is no number up to {BIGGEST:g}; expected a smaller or a real number")
    return value
