"""Layers that share a neuron model: one Brian2 group of (batch x units) copies, integrated by one code object.

Memory is laid out layer by layer and, within a layer, sample by sample, so that a layer's block of any variable is a
contiguous (batch, n) array that matrix products can write into.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from neuroeq.describe.spec import NeuronModel
from neuroeq.describe.spec.code import distribution
from neuroeq.describe.spec.transmission import Part
from neuroeq.errors import SpecError
from neuroeq.randomness import Streams
from neuroeq.units import Dimension

from .brian import brian, explained, quantity
from .initial import draw
from .noise import noises
from .plasticity.terms import PlasticSynapse
from .unit_code import UnitCode

Array = np.ndarray


class Population:
    """The units of one neuron model, for every sample of a batch.

    Parameters
    ----------
    name
        Name of the Brian2 group.
    model
        The neuron model of the layer.
    layers
        Sizes of the layers, by name.
    batch
        Number of samples, each of which has a copy of the units.
    clock
        The clock of the whole simulation.
    dtype
        Precision of the variables.
    factors
        The expressions that plasticity reads from these units, each with a synapse whose traces the units then keep.
    delivered
        The variables into which Brian2 Synapses deliver drive: by ``"events"``, or ``"summed"`` at every step. What is
        ``"ignored"`` has no effect.
    streams
        The random generators of the run, from which constants of units are drawn.
    clamped
        Whether the states may be held at a level.
    parts
        What the synapses into these units transmit.

    Attributes
    ----------
    arriving
        Names of the variables for what arrives from matrix products, by the component that is sent.
    group
        The Brian2 group.
    constants
        Constants of each unit that have a start value, by name: (batch x units,), the same in all samples.
    state_arrays
        Memory of the variables that the equations change, by name: (batch x units,).
    learners
        Brian2 objects that run in plastic phases only.
    expose
        The Brian2 object that computes activity and readout from the states before a phase; None if both are states.

    Raises
    ------
    EquationError
        If the model is inconsistent.
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
        streams: Streams,
        clamped: bool = False,
        parts: Sequence[Part] = (),
    ) -> None:
        self.model, self.batch, self.layers, self.parts = model, batch, dict(layers), parts
        self._code = UnitCode(model, factors, delivered, clamped, parts)
        self.checker, self.activity, self.readout = self._code.checker, self._code.activity, self._code.readout
        self.drive, self.arriving, self.follows_steps = self._code.drive, self._code.arriving, self._code.follows_steps
        self._blocks = _blocks(layers, batch)
        unit_rate = model.unit_rate or 1 / float(clock.dt)
        self.spike_value = 1 / (unit_rate * float(clock.dt))
        with explained(model.where):
            self.group = brian().NeuronGroup(
                sum(batch * size for size in layers.values()),
                self._code.equations(),
                method=self._code.integrate,
                threshold=self._code.threshold,
                reset=self._code.reset or None,
                refractory=_refractory(model.refractory),
                namespace=self._code.namespace(unit_rate),
                dtype=dtype,
                clock=clock,
                name=name,
            )
        if self.reads("unit"):
            for layer, size in self.layers.items():
                self.view("unit", layer)[:] = np.arange(size)
        with explained(model.where):
            self.expose, self.learners = self._add_code()
        self.constants = self._drawn_once(streams)
        self.state_arrays = {
            variable.name: variable.get_value()
            for variable in self.group.variables.values()
            if self._changes(variable) and variable.name not in noises(model)
        }

    def view(self, variable: str, layer: str) -> Array:
        """Return a layer's block of a variable: (batch, n), a view of the simulation's own memory.

        ``activity``, another component of it, and ``readout`` stand for the model's variables of that meaning, and an
        expression of a plasticity term for the variable that holds it.
        """
        return self.rows(self.whole(variable), layer)

    @property
    def code(self) -> UnitCode:
        """What Brian2 is told about the units."""
        return self._code

    @property
    def emitted(self) -> tuple[str, ...]:
        """The variables that units send: their spikes, or the components of their activity."""
        return ("spike",) if self.model.emits == "spikes" else tuple(self.model.components)

    def sent(self, layer: str, samples: int) -> Array:
        """Return a copy of the activity of the first samples: (samples, n), or (components, samples, n) of a vector."""
        components = [self.view(name, layer)[:samples].copy() for name in self.model.components]
        return np.stack(components) if self.model.vector else components[0]

    def reads(self, name: str) -> bool:
        """Whether the model uses a variable that only some models use, such as ``unit``."""
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
        """Set all units to the start values of the model."""
        for name, array in self.state_arrays.items():
            array[:] = -1e4 if name == "lastspike" else name == "not_refractory"
        for name, value in self.model.initial.items():
            array = self.group.variables[name].get_value()
            array[:] = self.constants[name] if name in self.constants else draw(value, array.shape, rng)

    def constants_of(self, layer: str) -> dict[str, Array]:
        """Return the constants of the units of a layer, by name: (n,)."""
        return {name: self.rows(array, layer)[0] for name, array in self.constants.items()}

    @property
    def drawn(self) -> list[str]:
        """The variables whose start values are random, in the order in which they are drawn."""
        return [name for name, value in self.model.initial.items() if distribution(value)]

    def draws(self, rng: np.random.Generator) -> list[Array]:
        """Return the random start values that `reset` would set: (batch x units,) for each variable in `drawn`."""
        n = sum(self.batch * size for size in self.layers.values())
        return [
            self.constants[name] if name in self.constants else np.asarray(draw(self.model.initial[name], (n,), rng))
            for name in self.drawn
        ]

    @property
    def reads_steps(self) -> bool:
        """Whether plasticity reads how the activity changes over a step."""
        return self._code.reads_steps

    @cached_property
    def exposes_drive(self) -> bool:
        """Whether its activity or readout is computed from the drive."""
        equations = brian().Equations(self.model.equations).values()
        computed = [str(equation.expr) for equation in equations if equation.type == "subexpression"]
        texts = (*self.model.components.values(), self.model.readout or "", *computed)
        return self.expose is not None and any(re.search(r"\bdrive(_\w+)?\b", text) for text in texts)

    @property
    def noise(self) -> dict[tuple[str, str], str]:
        """The kinds of the random numbers of a step, by layer and the variable that holds them."""
        return {(layer, name): kind for layer in self.layers for name, kind in noises(self.model).items()}

    @property
    def steps_of_time_constant(self) -> float:
        """The time constant over the step, which turns a change over a step into a residual."""
        name = self.model.time_constant
        return 1.0 if name == "dt" else float(self.group.namespace[name]) / float(self.group.clock.dt)

    def whole(self, variable: str) -> Array:
        """Return a variable of all layers: (batch x units,), a view of the simulation's own memory."""
        return self.variable(variable).get_value()

    def variable(self, name: str) -> Any:
        """Return the Brian2 variable that a name stands for, as in `view`."""
        name = {**self._code.sent, "readout": self.readout}.get(name, name)
        return self.group.variables[self._code.factor_names.get(name, name)]

    def gather_spikes(self) -> int:
        """Write the spikes of this step into the variable ``spike``, in units of activity; return their number."""
        events = self.group.variables["_spikespace"].get_value()
        count = int(events[-1])
        spike = self.state_arrays["spike"]
        spike.fill(0)
        spike[events[:count]] = self.spike_value
        return count

    def _changes(self, variable: Any) -> bool:
        """Whether the equations change a variable, so that a later phase must find it as it was."""
        from brian2.core.variables import ArrayVariable

        if variable.name in ("lastspike", "not_refractory"):
            return True
        own = isinstance(variable, ArrayVariable) and getattr(variable.owner, "name", "") == self.group.name
        before = {f"{name}_before" for name in self.model.components}
        kept = self.model.vector and self.exposes_drive  # what arrived last is in its activity
        written = variable.name in {"bias", "drive", "coupled", *before, *(() if kept else self.arriving.values())}
        derived = variable.name.startswith(("_", "factor_", "nudge"))
        return own and not (variable.read_only or variable.constant or written or derived)

    def _drawn_once(self, streams: Streams) -> dict[str, Array]:
        """Return the constants of each unit, which depend on the seed, the layer and their name only."""
        constants = {}
        for name in filter(lambda name: self.group.variables[name].constant, self.model.initial):
            array = constants[name] = np.empty(self.group.N, self.group.variables[name].dtype)
            for layer, size in self.layers.items():
                value = draw(self.model.initial[name], (size,), streams.child(f"constant {layer} {name}"))
                self.rows(array, layer)[:] = value
        return constants

    def _add_code(self) -> tuple[Any, list[Any]]:
        """Add the code that is not part of the integration; return `expose` and `learners`."""
        group, code, expose = self.group, self._code, None
        if code.after_step() and not group.equations.diff_eq_names:
            group.run_regularly("\n".join(code.after_step()), when="groups", name=f"{group.name}_after_step")
        if code.exposed():
            statements = "\n".join(code.exposed())
            expose = group.run_regularly(statements, when="start", order=9, name=f"{group.name}_expose")
        if not code.factor_names:
            return expose, []
        factors = "\n".join(f"{name} = {expression}" for expression, name in code.factor_names.items())
        return expose, [group.run_regularly(factors, when="end", order=0, name=f"{group.name}_factors")]


def dimension_of(group: Any, name: str) -> Dimension:
    """Return the dimension of a group's variable."""
    return tuple(group.variables[name].dim._dims)


def _refractory(text: str | None) -> Any:
    """Return a refractory time as Brian2 takes it: a time, an expression, or False for none."""
    if text is None:
        return False
    try:
        return quantity(text)
    except SpecError:
        return text


def _blocks(layers: Mapping[str, int], batch: int) -> dict[str, slice]:
    """Return which units of the group are those of each layer, one layer after the other."""
    ends = np.cumsum([batch * size for size in layers.values()])
    return {
        layer: slice(int(end) - batch * size, int(end)) for (layer, size), end in zip(layers.items(), ends, strict=True)
    }
