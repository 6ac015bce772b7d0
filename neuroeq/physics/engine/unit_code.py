"""What Brian2 is told about the units of a neuron model: their variables, and what happens in a step.

The model's own equations are extended by what the simulation adds: the drive, the bias and the nudge of a unit, its
activity, and the factors that plasticity reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuroeq.describe.spec import NeuronModel
from neuroeq.describe.spec.transmission import DIFFERENCE, Part, drive_of
from neuroeq.units import Dimension, physical

from .bounded import bounded
from .brian import brian, quantity
from .equations.check import check_neuron
from .equations.names import NEURON_NAMES
from .noise import PREFIX, XI, calls, named, noises
from .plasticity.terms import PlasticSynapse
from .strength import STRENGTHS, mentions

OVER_STEPS = re.compile(r"\b(\w+)_(before|mid|rate)\b")
"""Variables of how an activity changes over a step."""

RATE = re.compile(r"^(\s*d\w+/dt\s*=)([^:]*)", re.MULTILINE)
"""The rate of change of a state, in equations."""


class UnitCode:
    """The variables and the code of the units of one neuron model.

    Parameters
    ----------
    model
        The neuron model of the layer.
    factors
        The expressions that plasticity reads from these units, each with a synapse whose traces the units then keep.
    delivered
        The variables into which Brian2 Synapses deliver drive: by ``"events"``, or ``"summed"`` at every step. What is
        ``"ignored"`` has no effect.
    clamped
        Whether the states may be held at a level.
    parts
        What the synapses into these units transmit.

    Attributes
    ----------
    checker
        Knows the model's variables and their dimensions.
    sent
        The names of the variables that hold the components of the activity, by component.
    activity, readout
        The names of the variables that hold the first component of the activity, and the readout.
    drive
        The name of the variable that holds the drive where units do not compute it.
    arriving
        The names of the variables that hold what arrives from matrix products, by the component that is sent: the
        drive itself, or sums that the unit multiplies by components of its own.
    threshold, reset
        The model's own, in which variables stand for random numbers.
    factor_names
        Names of the variables that hold the factors, by the expression that plasticity reads.

    Raises
    ------
    EquationError
        If the model is inconsistent.
    """

    def __init__(
        self,
        model: NeuronModel,
        factors: Mapping[str, PlasticSynapse],
        delivered: Mapping[str, str],
        clamped: bool,
        parts: Sequence[Part] = (),
    ) -> None:
        self.model, self._factors, self._clamped, self._parts = model, factors, clamped, parts
        self.delivered = dict(delivered)
        self.checker = check_neuron(model)
        before = [f"{name}_before" for name in model.components]
        computed = [expression for expression in factors if expression not in ("spike", *model.components, *before)]
        self.factor_names = {expression: f"factor_{index}" for index, expression in enumerate(computed)}
        names = list(calls(model))
        self._model_after_step = named((model.after_step or "").strip(), names) or ""
        self.threshold, self.reset = named(model.threshold, names), named(model.reset, names)
        self._synapses = list({id(synapse): synapse for synapse in factors.values()}.values())
        plain = all(part.post is None and part.factor == 1 for part in parts) or parts == DIFFERENCE
        self._plain = plain and not model.vector
        stored = self._stored_names()
        self.sent = {name: text if text in stored else name for name, text in model.components.items()}
        self.activity = next(iter(self.sent.values()))
        self.readout = model.readout or self.activity
        self._readout_added = self.readout not in {*self.sent.values(), *stored}
        if self._readout_added:
            self.readout = "readout"
        self.drive = "coupled" if self.delivered else "drive"
        self.arriving = {part.pre: self.drive if self._plain else f"drive_{part.pre}" for part in parts if part.pre}

    @property
    def follows_steps(self) -> bool:
        """Whether plasticity may read how the activity changes over a step."""
        return bool(self.delivered) or any(factor not in ("spike", *self.model.components) for factor in self._factors)

    @property
    def reads_steps(self) -> bool:
        """Whether plasticity does read it."""
        texts = [*self._factors, *(synapse.traces for synapse in self._synapses)]
        named = {name for text in texts for name, _ in OVER_STEPS.findall(text)}
        return bool(self.delivered) or not named.isdisjoint(self.model.components)

    def equations(self) -> str:
        """Return the equations of a unit: those of the model, and what the simulation adds."""
        lines = [self._model_equations(), *self._added(), *(synapse.traces for synapse in self._synapses)]
        for expression, name in self.factor_names.items():
            lines.append(f"{name} : {unit_text(self._factors[expression].check(self.checker, expression))}")
        return "\n".join(lines)

    def namespace(self, unit_rate: float) -> dict[str, Any]:
        """Return the functions and constants that the equations name; `unit_rate` is the rate of activity 1 [Hz]."""
        return {
            "bounded": bounded(),
            "unit_rate": unit_rate * brian().Hz,
            **{key: quantity(value) for key, value in self.model.parameters.items()},
            **{key: value for synapse in self._synapses for key, value in synapse.constants.items()},
        }

    def integrate(self, equations: Any, variables: Any, options: Any = None) -> str:
        """Return a step as Brian2's abstract code: its integration method, then clipping and what follows a step."""
        from brian2.stateupdaters.base import StateUpdateMethod

        step = StateUpdateMethod.stateupdaters[self.model.method](equations, variables, options)
        return "\n".join([XI.sub(rf"\g<name> = dt**.5 * {PREFIX}\g<name>", step), *self.after_step()])

    def after_step(self) -> list[str]:
        """Return the statements that follow the integration of a step."""
        clips = []
        for name, interval in self.model.bounds.items():
            low, high = self._limit(name, interval.min, -np.inf), self._limit(name, interval.max, np.inf)
            clips.append(f"{name} = bounded({name}, {low}, {high})")
        if self._clamped:
            clips.append(f"{self.model.state} += nudge_held*(nudge_level - {self.model.state})")
        cleared = [f"{variable} = 0" for variable, how in self.delivered.items() if how == "events"]
        return [*clips, *self._model_after_step.splitlines(), *cleared, *self.exposed()]

    def exposed(self) -> list[str]:
        """Return the statements that compute the activity and the readout where the model does not store them."""
        sent = self.model.components.items()
        computed = [f"{name} = {meaning}" for name, meaning in sent if self.sent[name] == name != meaning]
        return [*computed, f"readout = {self.model.readout}"] if self._readout_added else computed

    def _model_equations(self) -> str:
        """Return the model's equations, in whose rates the stored activity stands for what it is computed from.

        It is that of the states before the step if nothing else is in it, so it need not be computed twice. Methods
        that look at states between two steps get the definitions of components instead.
        """
        model, equations = self.model, brian().Equations(self.model.equations)
        if model.vector:
            return model.equations if model.method == "euler" else RATE.sub(self._defined, model.equations)
        activity = model.components["activity"]
        computed = self.activity == "activity" and activity in equations
        simple = model.emits == "rate" and model.method == "euler" and not model.random
        if not (computed and simple and self._of_states(activity, equations)):
            return model.equations
        own = re.compile(rf"\b{activity}\b")
        return RATE.sub(lambda match: match[1] + own.sub("activity", match[2]), model.equations)

    def _defined(self, match: re.Match[str]) -> str:
        """Return the rate of change of a state with definitions in the place of components, and of the drive."""
        text = re.sub(r"\bdrive\b", f"({drive_of(self._parts)})", match[2]) if not self._plain else match[2]
        for name, meaning in self.model.components.items():
            text = re.sub(rf"\b{name}\b", f"({meaning})", text)
        return match[1] + text

    def _of_states(self, name: str, equations: Any) -> bool:
        """Whether a variable is a state, a constant, or computed from such alone."""
        if name not in equations:
            return name not in NEURON_NAMES
        if equations[name].type != "subexpression":
            return equations[name].type == "differential equation" or "constant" in equations[name].flags
        return all(self._of_states(each, equations) for each in equations[name].identifiers)

    def _added(self) -> list[str]:
        """Return the definitions of the variables that the simulation adds."""
        model = self.model
        lines = ["bias : 1", "nudge : 1"]
        if self._readout_added:
            lines.append("readout : 1")
        for name, meaning in model.components.items():
            computed = self.sent[name] == name and meaning not in self._stored_names()
            lines.append(f"{name} : 1" if computed else f"{name} = {meaning} : 1")
        lines += [f"{name} : 1 (constant)" for name in ("unit", *STRENGTHS) if mentions(model, name)]
        lines += [f"{name} : 1" for name in noises(model)]
        if self._clamped:
            lines += ["nudge_held : 1", f"nudge_level : {unit_text(self.checker.known[model.state])}"]
        if model.emits == "spikes":
            lines.append("spike : 1")
        if self.delivered:
            arriving = [variable for variable, how in self.delivered.items() if how != "ignored"]
            lines += ["coupled : 1", *(f"{variable} : 1" for variable in self.delivered)]
            lines.append(f"drive = {' + '.join(['coupled', *arriving])} : 1")
        elif self._plain:
            lines.append("drive : 1")
        else:
            lines += [*(f"{name} : 1" for name in self.arriving.values()), f"drive = {drive_of(self._parts)} : 1"]
        for name in model.components if self.follows_steps else ():
            lines += [
                f"{name}_before : 1",
                f"{name}_mid = ({name}_before + {name})/2 : 1",
                f"{name}_rate = ({name} - {name}_before)/dt : Hz",
            ]
        return lines

    def _stored_names(self) -> set[str]:
        """Return the names of the model that are kept in memory and not computed from others."""
        equations = brian().Equations(self.model.equations)
        names = {name for name, equation in equations.items() if equation.type != "subexpression"}
        return names if self.delivered or not self._plain else names | {"drive"}

    def _limit(self, name: str, value: str | float | None, default: float) -> str:
        limit = default if value is None else physical(str(value)).value
        return f"{limit!r}*{unit_text(self.checker.known[name])}"


def unit_text(dimension: Dimension) -> str:
    """Return a dimension in Brian2's base units, such as ``metre**2*second**-1``."""
    bases = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
    parts = [f"{base}**{power:g}" for base, power in zip(bases, dimension, strict=True) if power]
    return "*".join(parts) or "1"
