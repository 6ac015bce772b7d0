"""Equations as mathematics: Brian2 syntax in, lines of text with fractions and Greek letters out."""

from __future__ import annotations

from ..brian import brian


def rendered(equations: str) -> list[str]:
    """Return equations as lines of text, one block each.

    Parameters
    ----------
    equations
        In Brian2 syntax; parameters (``w : 1``) are left out.
    """
    if not equations.strip():
        return []
    import sympy
    from brian2.parsing.sympytools import str_to_sympy

    lines: list[str] = []
    for name, equation in brian().Equations(equations).items():
        if equation.expr is None:
            continue
        left = sympy.Symbol(name)
        if equation.type == "differential equation":
            left = sympy.Derivative(sympy.Function(name)(sympy.Symbol("t")), sympy.Symbol("t"))
        equality = sympy.Eq(left, str_to_sympy(str(equation.expr)), evaluate=False)
        lines += ["  " + line for line in sympy.pretty(equality, use_unicode=True, wrap_line=False).splitlines()]
        lines.append("")
    return lines[:-1]
