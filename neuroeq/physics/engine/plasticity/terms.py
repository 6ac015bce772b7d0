"""The plasticity terms of a synapse model, in the names of the neurons they act on.

A term is a presynaptic times a postsynaptic factor. Traces that a factor reads belong to the neuron; they and the
synapse's constants get the model's name as a prefix, so that models never meet in one group. A clamped analog unit has
no equations: it sends a constant x, and its factors are what they come to when its traces have settled on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np

from neuroeq.describe.spec import SynapseModel
from neuroeq.errors import EquationError
from neuroeq.units import Dimension, physical

from ..brian import brian, quantity
from ..equations.check import Checker, check_synapse
from ..equations.names import TRACE_NAMES, factor_names
from ..equations.symbols import parse, symbol

Array = np.ndarray
Constant = Callable[[Array], Array]


class PlasticSynapse:
    """A synapse model with plasticity terms.

    Parameters
    ----------
    model
        The synapse model as its file describes it.
    prefix
        Put before the names of its traces and constants.

    Raises
    ------
    EquationError
        If its traces do not parse or mix units.
    """

    def __init__(self, model: SynapseModel, prefix: str) -> None:
        self.model = model
        checker = Checker(model.where, TRACE_NAMES, model.parameters)
        self._equations = checker.equations(model.traces, "traces")
        self._names = {name: f"{prefix}_{name}" for name in (*self._equations, *model.parameters)}
        self.trace_dimensions = {self._names[name]: checker.known[name] for name in self._names}
        self.traces = self._renamed(model.traces)
        self.constants = {self._names[name]: quantity(value) for name, value in model.parameters.items()}
        self.terms = [tuple(map(self._renamed, term.factors)) for term in model.plasticity]

    def check(self, neuron: Checker, expression: str) -> Dimension:
        """Return the dimension of a factor on a neuron that `neuron` knows.

        Raises
        ------
        EquationError
            If it uses unknown names or mixes units.
        """
        known = {**neuron.known, **factor_names(neuron.components), **self.trace_dimensions}
        checker = Checker(self.model.where, known, {})
        return checker.expression(expression, "plasticity")

    def check_equations(self, hebb: Dimension) -> Any:
        """Return the synapse's own equations, checked for terms of the dimension `hebb`."""
        return check_synapse(self.model, hebb)

    def linear_gain(self, gain: float) -> float | None:
        """Return c where the equations are just d(dw)/dt = c hebb with a constant c at that gain; else None.

        Then the sum over a phase of what the equations do is c times the sum of hebb, and needs no steps.
        """
        return None if self._slope is None else float(self._slope(gain))

    @cached_property
    def _slope(self) -> Callable[[float], float] | None:
        import sympy

        equations = brian().Equations(self.model.equations)
        if set(equations) != {"dw"}:
            return None
        constants = {name: physical(str(value)).value for name, value in self.model.parameters.items()}
        right = parse(str(equations["dw"].expr)).subs(constants)
        slope = right.diff("hebb")
        linear = (right - slope * symbol("hebb")).simplify() == 0
        constant = {variable.name for variable in slope.free_symbols} <= {"gain"}
        return sympy.lambdify(symbol("gain"), slope) if linear and constant else None

    def clamped(self, expression: str, dt: float, components: Sequence[str]) -> Constant | None:
        """Return a factor on a clamped analog unit, as a function of its value; None if it is always 0.

        Parameters
        ----------
        expression
            The factor, in the names of the model.
        dt
            Length of an integration step. [s]
        components
            The names of what units transmit; a clamped unit sends its value as the first, and 0 as the others.

        Raises
        ------
        EquationError
            If the factor is not fixed by the value.
        """
        import sympy

        x = symbol("x")
        known: dict[str, Any] = {"spike": x, "dt": dt}
        for index, name in enumerate(components):
            known |= dict.fromkeys((name, f"{name}_before", f"{name}_mid"), 0 if index else x)
            known[f"{name}_rate"] = 0
        known |= {self._names[name]: physical(str(value)).value for name, value in self.model.parameters.items()}

        def settled(text: str) -> Any:
            return parse(self._renamed(text)).subs(known)

        changing = [name for name, equation in self._equations.items() if equation.type == "differential equation"]
        rests = sympy.solve(
            [settled(str(self._equations[name].expr)) for name in changing],
            [symbol(self._names[name]) for name in changing],
            dict=True,
        )
        known |= {trace.name: value for trace, value in (rests[0] if rests else {}).items()}
        for name, equation in self._equations.items():
            if name not in changing and equation.expr is not None:
                known[self._names[name]] = settled(str(equation.expr))
        value = sympy.nsimplify(settled(expression), rational=False)
        if value == 0:
            return None
        unknown = sorted(variable.name for variable in value.free_symbols if variable.name != "x")
        if unknown:
            close = get_close_matches(unknown[0], list(known), n=1)
            raise EquationError(
                f"{self.model.where}: plasticity: '{expression}' reads {', '.join(unknown)}, which a clamped analog "
                "input unit does not have; "
                + (f"did you mean '{close[0]}'?" if close else "choose an encoder for `input`, or another factor.")
            )
        function = sympy.lambdify(x, value, "numpy")
        return lambda values: np.broadcast_to(function(values), values.shape)

    def _renamed(self, text: str) -> str:
        from brian2.utils.stringtools import word_substitute

        for name, new in self._names.items():
            text = word_substitute(text, {name: new, f"d{name}/dt": f"d{new}/dt"}).replace(f"d{name}/dt", f"d{new}/dt")
        return text


def constant_factor(factor: Constant, values: Array) -> Array:
    """Return a clamped factor for every unit and sample."""
    constant = np.asarray(factor(values), values.dtype)
    return constant if constant.shape == values.shape else np.broadcast_to(constant, values.shape)
