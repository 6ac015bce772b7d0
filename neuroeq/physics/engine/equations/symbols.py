"""Brian2's expressions as SymPy's, with plain symbols."""

from __future__ import annotations

from typing import Any


def symbol(name: str) -> Any:
    """Return the plain symbol of that name."""
    import sympy

    return sympy.Symbol(name)


def parse(text: str) -> Any:
    """Return an expression with plain symbols, whatever Brian2 assumes about them."""
    from brian2.parsing.sympytools import str_to_sympy

    expression = str_to_sympy(text)
    return expression.subs({variable: symbol(variable.name) for variable in expression.free_symbols})
