"""All plastic synapses of a network: dense projections, deferred or step by step, and native projections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuroeq.contract import Params

from ..assembly import Assembly
from .accumulator import Plasticity
from .deferred import DeferredSynapses
from .plan import Plastic
from .stepwise import Stepwise

Array = np.ndarray


class Learning:
    """The plastic synapses of a network.

    Parameters
    ----------
    assembly
        The Brian2 objects of the network.
    plastics
        The plastic projections and biases that are computed as matrix products.
    batch
        Largest number of samples in a batch.
    dt
        Length of an integration step. [s]
    dtype
        Precision of the synapses' variables.
    deferred
        Whether the change of synapses that only integrate is computed at the end of a phase.

    Raises
    ------
    EquationError
        If the equations of a synapse do not fit its terms.
    """

    def __init__(
        self, assembly: Assembly, plastics: list[Plastic], batch: int, dt: float, dtype: type, deferred: bool
    ) -> None:
        home = assembly.home
        views = {key: home[key[0]].view(key[1], key[0]) for plastic in plastics for key in sorted(plastic.keys)}
        checkers = {layer: population.checker for layer, population in home.items()}
        dimensions = {plastic.name: plastic.check(checkers) for plastic in plastics}
        integrating = [plastic for plastic in plastics if deferred and plastic.synapse.linear_gain(1.0) is not None]
        self._deferred = DeferredSynapses(integrating, views, batch, dt)
        self.stepwise = [
            Stepwise(plastic, views, dimensions[plastic.name], assembly.clock, dtype)
            for plastic in plastics
            if plastic not in integrating
        ]
        self._natives = assembly.natives
        self._codes = [code for population in assembly.populations for code in population.learners]
        self._before = [
            (population.whole(f"{name}_before"), population.whole(name))
            for population in assembly.populations
            if population.follows_steps
            for name in population.model.components
        ]
        self.plasticity: Plasticity | None = None

    @property
    def objects(self) -> list[Any]:
        """Brian2 objects that run in plastic phases only."""
        return [*self._codes, *(synapses.group.state_updater for synapses in self.stepwise)]

    def start(self, values: Mapping[str, Array], params: Params, plasticity: Plasticity | None) -> None:
        """Begin a phase with clamped `values` by layer, (m, n); synapses do not change if `plasticity` is None."""
        self.plasticity, self._m = plasticity, len(next(iter(values.values())))
        for native in self._natives:
            native.start(plasticity)
        if plasticity is not None:
            self._deferred.start(values, plasticity)
            for synapses in self.stepwise:
                synapses.start(values, plasticity, params)

    def hold(self, params: Params) -> None:
        """Change the weights in the middle of a phase."""
        for synapses in self.stepwise:
            synapses.hold(params)

    def begin_step(self) -> None:
        """Remember the activity, because factors may depend on its change over the step."""
        if self.plasticity is not None:
            for before, activity in self._before:
                before[:] = activity

    def step(self) -> None:
        """Read the factors of the current step."""
        self._deferred.step()
        for synapses in self.stepwise:
            synapses.step()

    def finish(self) -> None:
        """Add the change so far to the accumulator, and start again at zero."""
        if self.plasticity is None:
            return
        self._deferred.finish()
        for synapses in self.stepwise:
            synapses.finish()
        for native in self._natives:
            native.finish(self.plasticity, self._m)
