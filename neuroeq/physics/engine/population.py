"""Layers that share a neuron model: one Brian2 group of (batch x units) copies, integrated by one code object.

Memory is laid out layer by layer and, within a layer, sample by sample, so that a layer's block of any variable is a
contiguous (batch, n) array that matrix products can write into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuroeq.describe.spec import NeuronModel
from neuroeq.units import Dimension, physical

from .bounded import bounded
from .brian import brian, quantity
from .equations.check import check_neuron
from .initial import draw, limits
from .plasticity.terms import PlasticSynapse
from .strength import STRENGTHS, mentions

Array = np.ndarray


class Population:
    """The units of one neuron model, for every sample of a batch.

    Parameters
    ----------
    name
        Of the Brian2 group.
    model
        Its equations.
    layers
        Sizes of the layers, by name.
    batch
        Number of copies.
    clock
        The network's clock.
    dtype
        Of the state variables.
    factors
        Expressions of plasticity terms that some synapse reads here, with the synapse, whose traces the units keep.
    delivered
        Variables that native synapses deliver drive into: by ``"events"``, or ``"summed"`` at every step;
        what is ``"ignored"`` has no effect.
    clamped
        Whether states may be held at a level.

    Raises
    ------
    EquationError
        If the model does not fit together.
    """

    def __init__(
        self,
        name: str,
        model: NeuronModel,
        layers: Mapping[str, int],
        batch: int,
        clock: Any,
        dtype: type,
        factors: Mapping[str, PlasticSynapse],
        delivered: Mapping[str, str],
        clamped: bool = False,
    ) -> None:
        self._clamped = clamped
        self.model, self.batch, self.layers = model, batch, dict(layers)
        self.checker = check_neuron(model)
        ends = np.cumsum([batch * size for size in layers.values()])
        self._blocks = {
            layer: slice(int(end) - batch * size, int(end))
            for (layer, size), end in zip(layers.items(), ends, strict=True)
        }
        dt = float(clock.dt)
        unit_rate = physical(model.unit_rate).value if model.unit_rate else 1 / dt
        self.spike_value = 1 / (unit_rate * dt)
        computed = [expression for expression in factors if expression not in ("activity", "spike")]
        self._factors = {expression: f"factor_{index}" for index, expression in enumerate(computed)}
        self._delivered = dict(delivered)
        variables = self._provided()
        synapses = list({id(synapse): synapse for synapse in factors.values()}.values())
        self.group = brian().NeuronGroup(
            int(ends[-1]),
            "\n".join(
                [
                    model.equations,
                    *variables,
                    *(synapse.traces for synapse in synapses),
                    *(
                        f"{self._factors[each]} : {unit_text(factors[each].check(self.checker, each))}"
                        for each in computed
                    ),
                ]
            ),
            method=self._integrate,
            threshold=model.threshold,
            reset=model.reset,
            refractory=quantity(model.refractory) if model.refractory else False,
            namespace={
                "bounded": bounded(),
                "unit_rate": unit_rate * brian().Hz,
                **{key: quantity(value) for key, value in model.parameters.items()},
                **{key: value for synapse in synapses for key, value in synapse.constants.items()},
            },
            dtype=dtype,
            clock=clock,
            name=name,
        )
        if self.reads("unit"):
            for layer, size in self.layers.items():
                self.view("unit", layer)[:] = np.arange(size)
        self.learners = self._add_code()
        self.state_arrays = {
            variable.name: variable.get_value()
            for variable in self.group.variables.values()
            if _changes(variable, self.group)
        }

    def view(self, variable: str, layer: str) -> Array:
        """Return a layer's block of a variable: (batch, n), live.

        ``activity`` and ``readout`` stand for the model's variables of that meaning, and an expression of a plasticity
        term for the variable that holds it.
        """
        return self.rows(self.whole(variable), layer)

    def reads(self, name: str) -> bool:
        """Whether the model's text uses a name that only some need."""
        return name in self.group.variables

    def rows(self, array: Array, layer: str) -> Array:
        """Return a layer's block of an array of all layers: (batch, n)."""
        return array[self._blocks[layer]].reshape(self.batch, self.layers[layer])

    def start(self, layer: str) -> int:
        """Return the index of a layer's first unit in the group."""
        return self._blocks[layer].start

    def first(self, samples: int) -> Array:
        """Return the indices of the units of the first samples, layer by layer."""
        return np.concatenate([self.start(layer) + np.arange(samples * size) for layer, size in self.layers.items()])

    def reset(self, rng: np.random.Generator) -> None:
        """Put all units at the start values of the model."""
        for name, array in self.state_arrays.items():
            array[:] = -1e4 if name == "lastspike" else name == "not_refractory"
        for name, value in self.model.initial.items():
            array = self.group.variables[name].get_value()
            array[:] = draw(value, array.shape, rng)

    @property
    def drawn(self) -> list[str]:
        """The variables whose start values are drawn, in that order."""
        return [name for name, value in self.model.initial.items() if len(limits(value)) > 1]

    def draws(self, rng: np.random.Generator) -> list[Array]:
        """Return start values as `reset` would draw them, (batch x units,) of each that is drawn."""
        n = sum(self.batch * size for size in self.layers.values())
        return [np.asarray(draw(self.model.initial[name], (n,), rng)) for name in self.drawn]

    @property
    def follows_steps(self) -> bool:
        """Whether plasticity may read how the activity changes over a step."""
        return bool(self._factors or self._delivered)

    @property
    def before(self) -> Array:
        """The activity before the step, of all layers: (batch x units,), live."""
        return self.group.variables["activity_before"].get_value()

    def whole(self, variable: str) -> Array:
        """Return a variable of all layers: (batch x units,), live."""
        return self.variable(variable).get_value()

    def variable(self, name: str) -> Any:
        """Return the Brian2 variable of a name as in `view`."""
        name = {"activity": self.activity, "readout": self.readout}.get(name, name)
        return self.group.variables[self._factors.get(name, name)]

    def gather_spikes(self) -> int:
        """Turn the events of this step into 0/1 spikes, in units of activity; return how many there are."""
        events = self.group.variables["_spikespace"].get_value()
        count = int(events[-1])
        spike = self.state_arrays["spike"]
        spike.fill(0)
        spike[events[:count]] = self.spike_value
        return count

    def _provided(self) -> list[str]:
        """Return the variables that the engine adds, and learn what activity and readout are called."""
        model = self.model
        stored = model.activity not in self._stored_names()
        self.activity = "activity" if stored else model.activity
        self.readout = model.readout or self.activity
        lines = ["bias : 1", "nudge : 1"]
        if self.readout not in {self.activity, *self._stored_names()}:
            self.readout = "readout"
            lines.append("readout : 1")
        if stored:
            lines.append("activity : 1")
        else:
            lines.append(f"activity = {model.activity} : 1")
        lines += [f"{name} : 1 (constant)" for name in ("unit", *STRENGTHS) if mentions(model, name)]
        if self._clamped:
            lines += ["nudge_held : 1", f"nudge_level : {unit_text(self.checker.known[model.state])}"]
        if model.emits == "spikes":
            lines.append("spike : 1")
        if self._delivered:
            arriving = [variable for variable, how in self._delivered.items() if how != "ignored"]
            lines += ["coupled : 1", *(f"{variable} : 1" for variable in self._delivered)]
            lines.append(f"drive = {' + '.join(['coupled', *arriving])} : 1")
        else:
            lines.append("drive : 1")
        if self.follows_steps:
            lines += [
                "activity_before : 1",
                "activity_mid = (activity_before + activity)/2 : 1",
                "activity_rate = (activity - activity_before)/dt : Hz",
            ]
        return lines

    def _stored_names(self) -> set[str]:
        """Return the model's names that are kept in memory, not computed from others."""
        equations = brian().Equations(self.model.equations)
        names = {name for name, equation in equations.items() if equation.type != "subexpression"}
        return names if self._delivered else names | {"drive"}

    @property
    def drive(self) -> str:
        """The variable that matrix products write the drive into."""
        return "coupled" if self._delivered else "drive"

    def _integrate(self, equations: Any, variables: Any, options: Any = None) -> str:
        """Return one step as Brian2's abstract code: its own integration method, then clipping and all that follows."""
        from brian2.stateupdaters.base import StateUpdateMethod

        step = StateUpdateMethod.stateupdaters[self.model.method](equations, variables, options)
        return "\n".join([step, *self._after_step()])

    def _after_step(self) -> list[str]:
        clips = []
        for name, interval in self.model.bounds.items():
            low, high = self._limit(name, interval.min, -np.inf), self._limit(name, interval.max, np.inf)
            clips.append(f"{name} = bounded({name}, {low}, {high})")
        if self._clamped:
            clips.append(f"{self.model.state} += nudge_held*(nudge_level - {self.model.state})")
        cleared = [f"{variable} = 0" for variable, how in self._delivered.items() if how == "events"]
        return [*clips, *self.model.after_step.strip().splitlines(), *cleared, *self._exposed()]

    def _exposed(self) -> list[str]:
        pairs = (("activity", self.activity, self.model.activity), ("readout", self.readout, self.model.readout))
        return [f"{name} = {meaning}" for name, called, meaning in pairs if called == name]

    def _limit(self, name: str, value: str | float | None, default: float) -> str:
        limit = default if value is None else physical(str(value)).value
        return f"{limit!r}*{unit_text(self.checker.known[name])}"

    def _add_code(self) -> list[Any]:
        """Add the code that is not part of the integration; return what runs in plastic phases only."""
        group, after_step = self.group, self._after_step()
        if after_step and not group.equations.diff_eq_names:
            group.run_regularly("\n".join(after_step), when="groups", name=f"{group.name}_after_step")
        self.expose = None
        if self._exposed():
            code = "\n".join(self._exposed())
            self.expose = group.run_regularly(code, when="start", order=9, name=f"{group.name}_expose")
        if not self._factors:
            return []
        factors = "\n".join(f"{name} = {expression}" for expression, name in self._factors.items())
        return [group.run_regularly(factors, when="end", order=0, name=f"{group.name}_factors")]


def dimension_of(group: Any, name: str) -> Dimension:
    """Return the dimension of a group's variable."""
    return tuple(group.variables[name].dim._dims)


def unit_text(dimension: Dimension) -> str:
    """Write a dimension in Brian2's base units."""
    bases = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
    parts = [f"{base}**{power:g}" for base, power in zip(bases, dimension, strict=True) if power]
    return "*".join(parts) or "1"


def _changes(variable: Any, group: Any) -> bool:
    """Whether a variable is state that the equations change, and that a later phase must find as it was."""
    from brian2.core.variables import ArrayVariable

    if variable.name in ("lastspike", "not_refractory"):
        return True
    own = isinstance(variable, ArrayVariable) and getattr(variable.owner, "name", "") == group.name
    written = variable.name in {"bias", "drive", "coupled", "activity_before"} or variable.name.startswith("nudge")
    derived = variable.name.startswith(("_", "factor_"))
    return own and not (variable.read_only or variable.constant or written or derived)
