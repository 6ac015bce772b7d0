"""A spiking neuron as a chain of linear filters: what graphs of primitives can hold of its equations.

    dx/dt = (leak - x)/tau + gain y,   or   dx/dt = gain y + offset      with y the drive, or the filter before
    a spike where the last x > threshold; x is then set to a value (hard reset) or changed by one (soft reset)

The filters are found from the trees of the equations, in which parameters and units are numbers, so that neither the
names of variables nor the way in which the equations are written matter. The nudge is 0, as it is in the free phase.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from neuroeq.describe.expressions import parsed, rendered
from neuroeq.describe.spec import NeuronModel
from neuroeq.describe.statements import Line, defined
from neuroeq.errors import SpecError
from neuroeq.physics.engine.equations.field import brian_values
from neuroeq.units import physical

Affine = dict[str, float]
"""A sum of variables times numbers: the factors by variable, and the constant under the empty name."""
GIVEN = ("drive", "bias", "nudge", "spike")
"""The variables of the engine that filters may read."""
LEFT_OUT = ("bounds", "refractory")
"""What may be left out of a neuron."""
_OPERATORS = {ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow}
_SIGNS = {"=": 0.0, "+=": 1.0, "-=": -1.0}


@dataclass(frozen=True)
class Filter:
    """A first-order filter; its variables are in SI units.

    Parameters
    ----------
    name
        The variable that it computes.
    source
        The variable that it filters: the drive, or that of the filter before.
    gain
        The rate of change for each unit of the source.
    tau
        Its time constant; None without a leak. [s]
    offset, bias
        Constant rate of change, and that for each unit of the bias.
    fresh
        Whether it reads its source as it is after the step, and not before.
    """

    name: str
    source: str
    gain: float
    tau: float | None
    offset: float
    bias: float
    fresh: bool


@dataclass(frozen=True)
class Chain:
    """A neuron as filters.

    Parameters
    ----------
    filters
        The filters, from the drive to the variable that is compared with the threshold.
    threshold
        The last variable above which there is a spike.
    hard
        Whether the last variable is set to `reset` at a spike; otherwise `reset` is added to it.
    reset
        The value that is set or added.
    units
        The unit of each variable in the file, as text.
    left_out
        What the neuron has and the chain does not, as text.
    """

    filters: tuple[Filter, ...]
    threshold: float
    hard: bool
    reset: float
    units: dict[str, str]
    left_out: tuple[str, ...]


def chain(model: NeuronModel, dt: float, leave_out: Collection[str] = ()) -> Chain:
    """Return a spiking neuron as a chain of filters.

    Parameters
    ----------
    model
        The neuron model of a layer.
    dt
        Length of an integration step. [s]
    leave_out
        What is left out where the model has it, of `LEFT_OUT`.

    Raises
    ------
    SpecError
        If the model is another one; the message says which part.
    """
    try:
        return _Reader(model, dt, leave_out).chain()
    except ValueError as error:
        raise SpecError(
            f"{model.where}: {error}; NIR has leaky and plain integrators of a drive with a threshold, so choose a "
            "neuron model that is one."
        ) from None


class _Reader:
    """Reads the trees of a model."""

    def __init__(self, model: NeuronModel, dt: float, leave_out: Collection[str]) -> None:
        self.model, self._dt, self._leave_out = model, dt, leave_out
        self._lines = defined(model.equations)
        self._constants = {name: physical(str(value)).value for name, value in model.parameters.items()}
        self._constants |= {"dt": dt, "unit_rate": model.unit_rate or 1 / dt}
        self._after = [line.split(" ", 2) for line in model.after_step.splitlines()]

    def chain(self) -> Chain:
        """Return the chain, from the threshold back to the drive."""
        if self.model.method != "euler":
            raise ValueError(f"is integrated by the method '{self.model.method}' instead of 'euler'")
        last, threshold = self._threshold()
        filters = [self._filter(last)]
        while filters[0].source != "drive":
            filters.insert(0, self._filter(filters[0].source))
            if len(filters) > len(self._lines):
                raise ValueError(f"{filters[0].name} drives itself through other variables")
        left_out = self._left_out([each.name for each in filters])
        hard, reset = self._reset(last)
        units = {name: line.text.rpartition(":")[2].partition("(")[0].strip() for name, line in self._lines.items()}
        return Chain(tuple(filters), threshold, hard, reset, units, left_out)

    def _left_out(self, names: list[str]) -> tuple[str, ...]:
        """Return what is left out, as text.

        Raises
        ------
        SpecError
            If the model has what no primitive does, and it is not to be left out.
        """
        found = {"bounds": [f"{name} is clipped to bounds" for name in names if name in self.model.bounds]}
        if self.model.refractory and not self._at_once(self.model.refractory):
            found["refractory"] = [f"it has a refractory period of {self.model.refractory}"]
        for part, texts in found.items():
            if texts and part not in self._leave_out:
                raise SpecError(
                    f"{self.model.where}: {texts[0]}, for which NIR has no primitive; choose another neuron model, or "
                    f"write the neuron without it: leave_out=['{part}']."
                )
        return tuple(text for texts in found.values() for text in texts)

    @staticmethod
    def _at_once(refractory: str) -> bool:
        try:
            return physical(refractory).value == 0
        except SpecError:
            return False

    def _threshold(self) -> tuple[str, float]:
        """Return the variable that is compared, and the value above which there is a spike."""
        tree = parsed(self.model.threshold or "")
        match tree:
            case ast.Compare(left=left, ops=[ast.Gt()], comparators=[right]):
                difference = _plus(self._affine(left), self._affine(right), -1.0)
            case ast.Compare(left=left, ops=[ast.Lt()], comparators=[right]):
                difference = _plus(self._affine(right), self._affine(left), -1.0)
            case _:
                raise ValueError(f"threshold is '{self.model.threshold}', not that one variable is above a value")
        constant = difference.pop("", 0.0)
        names = [name for name, factor in difference.items() if factor > 0]
        if len(difference) != 1 or not names:
            raise ValueError(f"threshold is '{self.model.threshold}', not that one variable is above a value")
        return names[0], -constant / difference[names[0]]

    def _reset(self, last: str) -> tuple[bool, float]:
        """Return whether the variable is set, and to what, or what is added to it."""
        lines = (self.model.reset or "").splitlines()
        if not lines:
            return False, 0.0
        name, assignment, value = lines[0].split(" ", 2)
        if len(lines) > 1 or name != last or assignment not in _SIGNS:
            raise ValueError(f"reset is '{'; '.join(lines)}', not a new value of {last} or a change of it alone")
        sign, given = _SIGNS[assignment], self._affine(parsed(value))
        after = _plus({last: 1.0}, given, sign) if sign else given
        constant, own = after.pop("", 0.0), after.pop(last, 0.0)
        if after or own not in (0.0, 1.0):
            raise ValueError(f"reset is '{lines[0]}', not a new value of {last} or a change by a constant")
        return own == 0.0, constant

    def _filter(self, name: str) -> Filter:
        """Return the filter that computes a variable."""
        line = self._lines.get(name)
        statements = [each for each in self._after if each[0] == name]
        if line is not None and line.tree is not None and not statements:
            rate, fresh = self._affine(line.tree), False
        elif line is not None and line.tree is None and len(statements) == 1:
            rate, fresh = self._increment(name, *statements[0][1:]), True
        else:
            raise ValueError(f"reads {name}, which is not computed by one differential equation or one after_step")
        own, offset, bias = (rate.pop(each, 0.0) for each in (name, "", "bias"))
        rate.pop("nudge", None)
        if own > 0:
            raise ValueError(f"{name} grows without a drive")
        if len(rate) != 1:
            raise ValueError(f"{name} depends on {', '.join(sorted(rate)) or 'no drive'}, not on one variable")
        (source, gain), *_ = rate.items()
        if source == "spike":
            raise ValueError(f"{name} depends on the unit's own spikes")
        return Filter(name, source, gain, -1 / own if own else None, offset, bias, fresh)

    def _increment(self, name: str, assignment: str, value: str) -> Affine:
        """Return a statement after each step as a rate of change."""
        given = self._affine(parsed(value))
        if assignment not in _SIGNS:
            raise ValueError(f"after_step changes {name} by '{assignment}', not by a sum")
        sign = _SIGNS[assignment]
        change = _plus(given, {name: 1.0}, -1.0) if not sign else _times(given, sign)
        return _times(change, 1 / self._dt)

    def _affine(self, tree: ast.expr) -> Affine:
        """Return an expression as a sum of variables times numbers."""
        match tree:
            case ast.Constant(value=value) if isinstance(value, int | float):
                return {"": float(value)}
            case ast.Name(id=name):
                return self._named(name)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                return _times(self._affine(operand), -1.0 if isinstance(tree.op, ast.USub) else 1.0)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
                return _plus(self._affine(left), self._affine(right), 1.0 if isinstance(tree.op, ast.Add) else -1.0)
            case ast.BinOp(left=left, op=ast.Mult() | ast.Div() | ast.Pow(), right=right):
                return self._product(tree, self._affine(left), self._affine(right))
        raise ValueError(f"has '{rendered(tree)}', which is not linear")

    @staticmethod
    def _product(tree: ast.BinOp, left: Affine, right: Affine) -> Affine:
        if isinstance(tree.op, ast.Mult) and not set(left) - {""}:
            left, right = right, left
        if set(right) - {""} or (isinstance(tree.op, ast.Pow) and set(left) - {""}):
            raise ValueError(f"has '{rendered(tree)}', which is not linear")
        by: Any = _OPERATORS[type(tree.op)]
        try:
            return _nonzero({name: by(value, right.get("", 0.0)) for name, value in (left or {"": 0.0}).items()})
        except ArithmeticError:
            raise ValueError(f"has '{rendered(tree)}', which is no number") from None

    def _named(self, name: str) -> Affine:
        """Return what a name stands for: a constant, an expression, a variable, or a unit."""
        line: Line | None = self._lines.get(name)
        if name in self._constants:
            return _nonzero({"": self._constants[name]})
        if line is not None:
            return self._affine(line.tree) if line.derived and line.tree is not None else {name: 1.0}
        if name in GIVEN:
            return {name: 1.0}
        if name in brian_values():
            return {"": brian_values()[name]}
        raise ValueError(f"depends on {name}")


def _plus(one: Affine, other: Affine, factor: float) -> Affine:
    return _nonzero({name: one.get(name, 0.0) + factor * other.get(name, 0.0) for name in {**one, **other}})


def _times(given: Affine, factor: float) -> Affine:
    return _nonzero({name: factor * value for name, value in given.items()})


def _nonzero(given: Affine) -> Affine:
    return {name: value for name, value in given.items() if value}
