"""Synapses whose equations Brian2 integrates step by step, with hebb as their input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuroeq.units import Dimension

from ..brian import brian, explained, quantity
from ..unit_code import unit_text
from .accumulator import Plasticity
from .plan import Key, Plastic
from .terms import constant_factor

Array = np.ndarray


class Stepwise:
    """Synapses that Brian2 integrates step by step, as one group of all weights.

    Parameters
    ----------
    plastic
        The plastic projection or bias.
    views
        Every factor it reads: (batch, n), live.
    hebb
        Dimension of its hebb.
    clock, dtype
        The clock of the network, and the precision of the variables.
    """

    def __init__(self, plastic: Plastic, views: Mapping[Key, Array], hebb: Dimension, clock: Any, dtype: type) -> None:
        model = plastic.synapse.model
        self._plastic, self._views = plastic, views
        self.name, self.shape = plastic.name, plastic.operator.shape
        with explained(model.where):
            self.group = brian().NeuronGroup(
                int(np.prod(plastic.operator.shape)),
                f"{model.equations}\nw : 1\nhebb : {unit_text(hebb)}\ngain : 1 (shared)",
                method="euler",
                namespace={name: quantity(value) for name, value in model.parameters.items()},
                dtype=dtype,
                clock=clock,
                name=f"synapses_{plastic.name.replace('.', '_')}",
            )
        self.group.state_updater.when, self.group.state_updater.order = "end", 2
        self._arrays = {
            name: self.group.variables[name].get_value()
            for name, equation in self.group.equations.items()
            if equation.type != "subexpression" and name not in ("hebb", "gain")
        }
        self._hebb = self.group.variables["hebb"].get_value().reshape(plastic.operator.shape)

    def start(self, values: Mapping[str, Array], plasticity: Plasticity, params: Mapping[str, Array]) -> None:
        """Begin a phase with the weights that the substrate holds."""
        self._values, self._plasticity = values, plasticity
        self._m = len(next(iter(values.values())))
        for array in self._arrays.values():
            array.fill(0)
        self.hold(params)
        self.group.variables["gain"].get_value()[:] = plasticity.gain

    def hold(self, params: Mapping[str, Array]) -> None:
        """Set the weights to those that the substrate holds now."""
        self._arrays["w"][:] = params[self._plastic.name].reshape(-1)

    def step(self) -> None:
        """Compute hebb for the current step, from which Brian2 then integrates the equations."""
        m, total = self._m, np.zeros(())
        for term in self._plastic.terms:
            if callable(term.pre):
                pre = constant_factor(term.pre, self._values[self._plastic.source])
            else:
                pre = self._views[term.pre][:m]
            total = total + term.weight * self._plastic.operator.outer(pre, self._views[term.post][:m])
        self._hebb[:] = total / m if self._plastic.terms else 0

    def finish(self) -> None:
        """Add the change so far to the accumulator, and start again at zero."""
        change = self._arrays["dw"].reshape(self._plastic.operator.shape)
        self._plasticity.into.add(self._plastic.name, change.copy())
        self._arrays["dw"].fill(0)
