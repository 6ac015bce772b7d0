"""The vector field of a rate model in symbols: what its equations are in state and drive, and their slopes.

mu(s, drive, bias, nudge) = tau ds/dt,    activity a(s)

drive slope   dmu/ddrive            own slope   dmu/ds at fixed drive            activity slope   da/ds
content       E(s) with mu = (da/ds)(drive + bias) - dE/ds + nudge, where mu has that form: then there is an energy
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from neuroeq.describe.spec import NeuronModel
from neuroeq.errors import EquationError
from neuroeq.units import physical

from ..brian import brian
from .symbols import parse, symbol

Array = np.ndarray
Function = Callable[[Mapping[str, Any]], Array]
ANALYTIC = ("exp", "log", "sin", "cos", "sinh", "cosh", "tanh")


class Field:
    """The vector field of a rate model with one state.

    Parameters
    ----------
    model
        The neuron model, whose equations are analysed.

    Raises
    ------
    EquationError
        If it spikes, has more than one state, statements after a step, or depends on time.
    """

    def __init__(self, model: NeuronModel) -> None:
        self.model = model
        equations = brian().Equations(model.equations)
        if model.emits != "rate" or list(equations.diff_eq_names) != [model.state] or model.after_step:
            raise EquationError(
                f"{model.where}: is no rate model with one state; expected a single differential equation, of "
                f"'{model.state}', and no after_step."
            )
        constants = {name: physical(str(value)).value for name, value in model.parameters.items()}
        constants["dt"] = model.dt
        known = {**_units(), **constants}
        computed = {n: parse(str(e.expr)) for n, e in equations.items() if e.type == "subexpression"}

        def resolved(text: str) -> Any:
            expression = parse(text)
            while names := {variable.name for variable in expression.free_symbols} & set(computed):
                expression = expression.subs({symbol(name): computed[name] for name in names})
            values = {variable: known.get(variable.name) for variable in expression.free_symbols}
            return expression.subs({variable: value for variable, value in values.items() if value is not None})

        self.state = symbol(model.state)
        self.rate = resolved(str(equations[model.state].expr)) * constants[model.time_constant]
        self.activity = resolved(model.activity)
        self.readout = resolved(model.observed)
        strange = sorted({s.name for s in self.rate.free_symbols} - {model.state, "drive", "bias", "nudge"})
        if strange:
            raise EquationError(f"{model.where}: depends on {', '.join(strange)}; expected drive, bias and nudge only.")

    @cached_property
    def drive_slope(self) -> Function:
        """The derivative of mu in the drive."""
        return self._function(self.rate.diff(symbol("drive")))

    @cached_property
    def own_slope(self) -> Function:
        """The derivative of mu in the state, at fixed drive."""
        return self._function(self.rate.diff(self.state))

    @cached_property
    def activity_slope(self) -> Function:
        """The derivative of the activity in the state."""
        return self._function(self.activity.diff(self.state))

    @cached_property
    def functions(self) -> tuple[Function, Function, Function]:
        """Mu, the activity and the readout."""
        return self._function(self.rate), self._function(self.activity), self._function(self.readout)

    @cached_property
    def content(self) -> Function:
        """The units' own part of the energy.

        Raises
        ------
        EquationError
            If mu is not of the form above: then there is no energy.
        """
        import sympy

        drive, bias, nudge = (symbol(name) for name in ("drive", "bias", "nudge"))
        leak = sympy.expand(self.activity.diff(self.state) * (drive + bias) + nudge - self.rate)
        if not sympy.simplify(leak).free_symbols <= {self.state}:
            raise EquationError(
                f"{self.model.where}: is not gradient descent on an energy: that needs the drive times the slope of "
                "the activity; use a model such as 'hard_sigmoid' or 'sigmoid'."
            )
        return self._function(sympy.integrate(sympy.simplify(leak), self.state))

    @property
    def analytic(self) -> bool:
        """Whether its equations make sense for complex states: no clipping, no kinks."""
        import sympy

        if self.model.bounds:
            return False
        used = self.rate.atoms(sympy.Function) | self.activity.atoms(sympy.Function)
        kinks = self.rate.atoms(sympy.Piecewise, sympy.Abs) | self.activity.atoms(sympy.Piecewise, sympy.Abs)
        return not kinks and all(type(function).__name__ in ANALYTIC for function in used)

    def _function(self, expression: Any) -> Function:
        import sympy

        names = [self.model.state, "drive", "bias", "nudge"]
        compiled = sympy.lambdify([symbol(name) for name in names], expression, "numpy")

        def function(values: Mapping[str, Array]) -> Array:
            state = values[self.model.state]
            return np.broadcast_to(compiled(state, *(values.get(name, 0.0) for name in names[1:])), state.shape)

        return function


def _units() -> dict[str, float]:
    from brian2.core.functions import DEFAULT_CONSTANTS
    from brian2.core.namespace import DEFAULT_UNITS

    constants = {name: float(constant.value) for name, constant in DEFAULT_CONSTANTS.items() if name != "i"}
    return {**{name: float(unit) for name, unit in DEFAULT_UNITS.items()}, **constants}
