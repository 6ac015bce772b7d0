"""Is a neuron model a leaky integrator of its drive? What an op-amp with a resistor and a capacitor can be."""

from __future__ import annotations

from neuroeq.describe.spec import NeuronModel
from neuroeq.errors import SpecError

from ..brian import brian


def integrator(model: NeuronModel, hint: str = "") -> tuple[str, list[str]]:
    """Return the time constant's name and the equations beside  tau ds/dt = drive + bias - s + nudge.

    Parameters
    ----------
    model
        The neuron model to be examined.
    hint
        Advice on what to use instead, which the message ends with.

    Raises
    ------
    SpecError
        If the model is another equation: the message says which part.
    """
    import sympy
    from brian2.parsing.sympytools import str_to_sympy

    if model.emits != "rate":
        raise SpecError(f"{model.where}: emits spikes; an op-amp integrator carries a voltage, so use a rate model.")
    equations, tau = brian().Equations(model.equations), model.time_constant
    if list(equations.diff_eq_names) != [model.state] or model.after_step:
        raise SpecError(f"{model.where}: has more than one state; an op-amp integrator has one voltage. {hint}".strip())
    names = {name: sympy.Symbol(name, real=True) for name in ("drive", "bias", "nudge", model.state, tau)}
    right = sympy.expand(str_to_sympy(str(equations[model.state].expr)) * names[tau])
    for name in ("drive", "bias", "nudge"):
        factor = sympy.simplify(sympy.diff(right, names[name]))
        if factor != 1:
            raise SpecError(
                f"{model.where}: multiplies {name} by {factor}; an op-amp integrator sums currents with factor 1, "
                f"so it has no such circuit. {hint}".strip()
            )
    rest = sympy.simplify(right - sum(names[name] for name in ("drive", "bias", "nudge")) + names[model.state])
    if rest != 0:
        raise SpecError(
            f"{model.where}: has {rest} beside its leak, which no part of an integrator does. {hint}".strip()
        )
    others = [f"{name} = {e.expr} : {_unit(e)}" for name, e in equations.items() if e.type == "subexpression"]
    return tau, others


def _unit(equation: object) -> str:
    from brian2.units.fundamentalunits import get_unit

    unit = get_unit(equation.dim)  # type: ignore[attr-defined]
    return "1" if unit.dim.is_dimensionless else repr(unit)
