"""What a synapse transmits: a weight times a sum of products of what the units at its two ends say.

    drive_post = sum over parts of  factor * post * drive_pre,    drive_pre = sum over synapses of  w pre

A part reads one component of the presynaptic activity and, unless it is plain, one of the postsynaptic activity.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

Polynomial = dict[tuple[str, ...], float]
"""Factors of products by the sorted names in them."""


@dataclass(frozen=True)
class Part:
    """One product that a synapse transmits.

    Parameters
    ----------
    pre
        The component that the presynaptic unit sends, or ``"spike"``; None for the unit's share in a difference.
    post
        The component of the postsynaptic unit that it is multiplied by; None for 1.
    factor
        Number that the product is multiplied by.
    """

    pre: str | None
    post: str | None = None
    factor: float = 1.0


DIFFERENCE = (Part(None, "activity", -1.0), Part("activity"))
"""What flows through a resistor: w*(activity_pre - activity_post)."""


@cache
def transmitted(text: str) -> tuple[Part, ...]:
    """Return the parts of a transmission such as ``w*(y_pre*x_post - x_pre*y_post)``, by the names that they read.

    Raises
    ------
    ValueError
        If it is no weight times such a sum.
    """
    try:
        parts = tuple(
            _part(names, factor) for names, factor in sorted(_expanded(ast.parse(text, mode="eval").body).items())
        )
        differs = any(part.pre is None for part in parts)
        spikes = "spike" in {part.pre for part in parts} | {part.post for part in parts}
        if not parts or (differs and parts != DIFFERENCE) or (spikes and parts != (Part("spike"),)):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"transmission is '{text}'; expected 'w*activity_pre', 'w*spike_pre', 'w*(activity_pre - activity_post)', "
            "or w times a sum of products of one component of each side, such as 'w*(y_pre*x_post - x_pre*y_post)', "
            "or raw Brian2 statements (on_pre) for anything else"
        ) from None
    return parts


def sent(parts: Sequence[Part]) -> list[str]:
    """Return the components that are sent, each once."""
    return list(dict.fromkeys(part.pre for part in parts if part.pre is not None))


def drive_of(parts: Sequence[Part]) -> str:
    """Return what a unit makes of the sums that arrive, as an expression."""
    factors = ("" if part.factor == 1 else f"{part.factor!r}*" for part in parts)
    posts = (f"*{part.post}" if part.post else "" for part in parts)
    return " + ".join(f"{f}drive_{part.pre}{p}" for f, part, p in zip(factors, parts, posts, strict=True))


def _part(names: tuple[str, ...], factor: float) -> Part:
    """Return the part of one product, which has the weight once and each side at most once."""
    sides = {side: [name for name in names if name.endswith(f"_{side}")] for side in ("pre", "post")}
    if sorted([*sides["pre"], *sides["post"], "w"]) != sorted(names) or max(map(len, sides.values())) > 1:
        raise ValueError
    pre, post = (found[0].removesuffix(f"_{side}") if found else None for side, found in sides.items())
    return Part(pre, post, factor)


def _expanded(node: ast.expr) -> Polynomial:
    """Return an expression of sums, differences and products, multiplied out."""
    match node:
        case ast.Name(id=name):
            return {(name,): 1.0}
        case ast.Constant(value=int() | float() as value):
            return {(): float(value)}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _times({(): -1.0}, _expanded(operand))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _times(_expanded(left), _expanded(right))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _plus(_expanded(left), _expanded(right))
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _plus(_expanded(left), _times({(): -1.0}, _expanded(right)))
    raise ValueError


def _times(one: Polynomial, other: Polynomial) -> Polynomial:
    product: Polynomial = {}
    for names, factor in one.items():
        product = _plus(product, {tuple(sorted(names + more)): factor * by for more, by in other.items()})
    return product


def _plus(one: Polynomial, other: Polynomial) -> Polynomial:
    total = {names: one.get(names, 0.0) + other.get(names, 0.0) for names in (*one, *other)}
    return {names: factor for names, factor in total.items() if factor}
