"""The vector field of a rate model in symbols: what its equations are in state and drive, and their slopes.

mu(s, drive, bias, nudge) = tau ds/dt,    activity a(s),    readout o(s)

drive slope   dmu/ddrive            own slope   dmu/ds at fixed drive            activity slope   da/ds
content       E(s) with mu = (da/ds)(drive + bias) - dE/ds, where mu has that form: then there is an energy

Of an activity with components there is a sum that arrives for each of them, A, which the unit makes its drive of. These
sums then stand in the place of the drive: dmu/dA and da/ds have a value for each component, and the bias adds to the
first sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from neuroeq.describe.spec import NeuronModel
from neuroeq.describe.spec.transmission import Part, drive_of
from neuroeq.errors import EquationError
from neuroeq.units import physical

from ..brian import brian
from .names import NOISE
from .symbols import parse, symbol

Array = np.ndarray
Function = Callable[[Mapping[str, Any]], Array]
ANALYTIC = ("exp", "log", "sin", "cos", "sinh", "cosh", "tanh")


class Field:
    """The vector field of a rate model with one state.

    Parameters
    ----------
    model
        The neuron model, whose equations are analysed. Noise in them is taken as its mean, 0.
    parts
        What synapses transmit to the unit, where its activity has components.
    constants
        Constants of each unit, by name: (n,).

    Attributes
    ----------
    arriving
        The symbols of the drive, or of the sums that arrive.

    Raises
    ------
    EquationError
        If it spikes, has more than one state, statements after a step, or depends on time.
    """

    def __init__(
        self, model: NeuronModel, parts: Sequence[Part] = (), constants: Mapping[str, Array] | None = None
    ) -> None:
        self.model, self.constants = model, dict(constants or {})
        equations = brian().Equations(model.equations)
        if model.emits != "rate" or list(equations.diff_eq_names) != [model.state] or model.after_step:
            raise EquationError(
                f"{model.where}: is no rate model with one state; expected a single differential equation, of "
                f"'{model.state}', and no after_step."
            )
        fixed = {name: physical(str(value)).value for name, value in model.parameters.items()}
        fixed["dt"] = model.dt
        known = {**brian_values(), **fixed, **dict.fromkeys(filter(NOISE.fullmatch, _names(equations)), 0)}
        computed = {n: parse(str(e.expr)) for n, e in equations.items() if e.type == "subexpression"}
        self.arriving = [symbol(f"drive_{name}") for name in model.components] if model.vector else [symbol("drive")]
        if model.vector:
            computed |= {name: parse(text) for name, text in model.components.items()}
            computed["drive"] = parse(drive_of(parts) if parts else "0")

        def resolved(text: str) -> Any:
            expression = parse(text)
            while names := {variable.name for variable in expression.free_symbols} & set(computed):
                expression = expression.subs({symbol(name): computed[name] for name in names})
            values = {variable: known.get(variable.name) for variable in expression.free_symbols}
            return expression.subs({variable: value for variable, value in values.items() if value is not None})

        self.state = symbol(model.state)
        self.rate = resolved(str(equations[model.state].expr)) * fixed[model.time_constant]
        self.activity = [resolved(text) for text in model.components.values()]
        self.readout = resolved(model.observed)
        own = {model.state, "bias", "nudge", *self.constants, *(sum_.name for sum_ in self.arriving)}
        strange = sorted({s.name for s in self.rate.free_symbols} - own)
        if strange:
            raise EquationError(f"{model.where}: depends on {', '.join(strange)}; expected drive, bias and nudge only.")
        for name, sent in zip(model.components, self.activity, strict=True):
            others = sorted({s.name for s in sent.free_symbols} - {model.state, *self.constants})
            if others:
                raise EquationError(f"{model.where}: {name} depends on {', '.join(others)}; expected the state only.")

    @cached_property
    def drive_slope(self) -> Function:
        """The derivative of mu in the drive, or in each of the sums that arrive."""
        return self._functions([self.rate.diff(each) for each in self.arriving])

    @cached_property
    def own_slope(self) -> Function:
        """The derivative of mu in the state, at fixed drive."""
        return self._function(self.rate.diff(self.state))

    @cached_property
    def activity_slope(self) -> Function:
        """The derivative of the activity in the state, component by component."""
        return self._functions([each.diff(self.state) for each in self.activity])

    @cached_property
    def readout_slope(self) -> Function:
        """The derivative of the readout in the state."""
        return self._function(self.readout.diff(self.state))

    @cached_property
    def functions(self) -> tuple[Function, Function, Function]:
        """Mu, the activity and the readout."""
        return self._function(self.rate), self._functions(self.activity), self._function(self.readout)

    @cached_property
    def content(self) -> Function:
        """The units' own part of the energy.

        Raises
        ------
        EquationError
            If mu is not of the form above: then there is no energy.
        """
        import sympy

        arriving = [self.arriving[0] + symbol("bias"), *self.arriving[1:]]
        pull = sum(each.diff(self.state) * sum_ for each, sum_ in zip(self.activity, arriving, strict=True))
        leak = sympy.simplify(sympy.expand(pull - self.rate.subs(symbol("nudge"), 0)))
        if not {each.name for each in leak.free_symbols} <= {self.model.state, *self.constants}:
            raise EquationError(
                f"{self.model.where}: is not gradient descent on an energy: that needs the drive times the slope of "
                "the activity; use a model such as 'hard_sigmoid' or 'sigmoid'."
            )
        return self._function(sympy.integrate(leak, self.state))

    @property
    def analytic(self) -> bool:
        """Whether its equations make sense for complex states: no clipping, no kinks."""
        import sympy

        if self.model.bounds:
            return False
        texts = [self.rate, *self.activity]
        used = set().union(*(each.atoms(sympy.Function) for each in texts))
        kinks = any(each.atoms(sympy.Piecewise, sympy.Abs) for each in texts)
        return not kinks and all(type(function).__name__ in ANALYTIC for function in used)

    def _functions(self, expressions: Sequence[Any]) -> Function:
        """Return a function of all components, (components, ...); of an activity without components, of a number."""
        functions = [self._function(each) for each in expressions]
        return (lambda values: np.stack([each(values) for each in functions])) if self.model.vector else functions[0]

    def _function(self, expression: Any) -> Function:
        import sympy

        others = [symbol(name) for name in ("bias", "nudge", *self.constants)]
        compiled = sympy.lambdify([self.state, *self.arriving, *others], expression, "numpy")

        def function(values: Mapping[str, Array]) -> Array:
            state, given = values[self.model.state], {**values, **self.constants}
            drive = given.get("drive", 0.0)
            sums = np.broadcast_to(drive, (len(self.arriving), *np.shape(state))) if self.model.vector else [drive]
            found = compiled(state, *sums, *(given.get(each.name, 0.0) for each in others))
            return np.broadcast_to(found, np.shape(state))

        return function


def _names(equations: Any) -> set[str]:
    return {name for equation in equations.values() for name in equation.identifiers}


def brian_values() -> dict[str, float]:
    """Return the values of Brian2's units, in SI base units, and of its constants, by name."""
    from brian2.core.functions import DEFAULT_CONSTANTS
    from brian2.core.namespace import DEFAULT_UNITS

    constants = {name: float(constant.value) for name, constant in DEFAULT_CONSTANTS.items() if name != "i"}
    return {**{name: float(unit) for name, unit in DEFAULT_UNITS.items()}, **constants}
