"""What every rule is given: a batch with its targets, and the phases to learn it by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from neuroeq.contract import Equilibrium, Nudge, NudgeMode, Params, Stop, Substrate
from neuroeq.describe.spec import Phases
from neuroeq.physics.substrates import AnySubstrate

from ..costs import Cost, cost_of

Array = np.ndarray


@dataclass(frozen=True)
class Lesson:
    """A batch, and its phases.

    Parameters
    ----------
    inputs, targets
        (batch, n_input) and (batch, n_output).
    nudges
        (beta, gain) of every nudged phase.
    cost
        What the nudge lowers.
    free, nudged
        When the phases end.
    rng
        For start values and noise.
    mode
        Of the nudge.
    start
        Where the free phase goes on from; rest if left out.
    record
        Keeps what was seen.
    commit
        Applies a change at once: then the weights move at every nudged step.
    """

    inputs: Array
    targets: Array
    nudges: list[tuple[float, float]]
    cost: Cost
    free: Stop
    nudged: Stop
    rng: np.random.Generator
    mode: NudgeMode = "state"
    start: Any = None
    record: Any = None
    commit: Callable[[Params], None] | None = None

    @classmethod
    def of(
        cls,
        substrate: AnySubstrate,
        inputs: Array,
        targets: Array,
        nudges: list[tuple[float, float]],
        rng: np.random.Generator,
        phases: Phases | None = None,
        **others: Any,
    ) -> Self:
        """Return a lesson in the phases of a substrate's network, or in others."""
        phases = phases or substrate.network.phases
        stops = (substrate.stop(phases.free), substrate.stop(phases.nudged))
        return cls(inputs, targets, nudges, cost_of(phases), *stops, rng, substrate.network.nudge, **others)

    def nudge(self, beta: float, free: Equilibrium) -> Nudge:
        """Return the pull of a nudged phase that follows a free equilibrium."""
        return Nudge(beta, self.targets, self.cost, self.mode, free)

    def relax(self, substrate: Substrate) -> Equilibrium:
        """Return where the free phase ends."""
        return substrate.relax(self.inputs, start=self.start, stop=self.free, rng=self.rng, record=self.record)

    def settle(self, substrate: Substrate) -> tuple[Equilibrium, tuple[Equilibrium, ...]]:
        """Return where the free phase ends, and where each nudged one does that starts there."""
        free = self.relax(substrate)
        nudged = tuple(
            substrate.relax(
                self.inputs, self.nudge(beta, free), free.resume, stop=self.nudged, rng=self.rng, record=self.record
            )
            for beta, _ in self.nudges
        )
        return free, nudged
