"""Equations as mathematics: Brian2 syntax in, lines of text with fractions and Greek letters out."""

from __future__ import annotations

from typing import Any

from ..brian import brian


def rendered(equations: str) -> list[str]:
    """Return equations as lines of text, one block each.

    Parameters
    ----------
    equations
        In Brian2 syntax, checked; parameters (``w : 1``) are left out.
    """
    if not equations:
        return []
    lines: list[str] = []
    for name, equation in brian().Equations(equations).items():
        if equation.expr is not None:
            lines += [f"  {line}" for line in _block(name, equation)] + [""]
    return lines[:-1]


def _block(name: str, equation: Any) -> list[str]:
    """Return the lines of one equation: as code where it is no formula, such as the product of a comparison."""
    import sympy
    from brian2.parsing.sympytools import str_to_sympy

    left = sympy.Symbol(name)
    if equation.type == "differential equation":
        left = sympy.Derivative(sympy.Function(name)(sympy.Symbol("t")), sympy.Symbol("t"))
    try:
        equality = sympy.Eq(left, str_to_sympy(str(equation.expr)), evaluate=False)
    except (SyntaxError, TypeError):
        return [f"{name} = {equation.expr}"]
    return str(sympy.pretty(equality, use_unicode=True, wrap_line=False)).splitlines()
