"""A trial: one batch with its targets, and the phases to learn it by; every rule is given one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from neuroeq.contract import Equilibrium, Nudge, NudgeMode, Params, Stop, Substrate
from neuroeq.describe.spec import Phases

from ..costs import Cost, cost_of

Array = np.ndarray


@dataclass(frozen=True)
class Trial:
    """One batch with its targets, and the phases to learn it by.

    Parameters
    ----------
    inputs, targets
        The inputs and targets of the batch: (batch, n_input) and (batch, n_output).
    nudges
        Strength and gain, (beta, gain), of every nudged phase.
    cost
        The cost that the nudge lowers.
    free, nudged
        The stopping criteria of the free phase and of the nudged phases.
    rng
        The generator of start values and noise; None for the same ones in every phase.
    mode
        The mode of the nudge, one of `neuroeq.contract.NUDGES`.
    start
        The state that the free phase starts from, an equilibrium's `resume`; None to start at rest.
    record
        The `Recording` that keeps the phases; None to keep nothing.
    commit
        A function that applies a change at once, so that the weights move at every nudged step; None to return the
        whole change.
    """

    inputs: Array
    targets: Array
    nudges: list[tuple[float, float]]
    cost: Cost
    free: Stop
    nudged: Stop
    rng: np.random.Generator | None
    mode: NudgeMode = "state"
    start: Any = None
    record: Any = None
    commit: Callable[[Params], None] | None = None

    @classmethod
    def of(
        cls,
        substrate: Substrate,
        inputs: Array,
        targets: Array,
        nudges: list[tuple[float, float]],
        rng: np.random.Generator,
        phases: Phases | None = None,
        **others: Any,
    ) -> Self:
        """Return a trial with the phases of a substrate's network, or with other phases."""
        phases = phases or substrate.network.phases
        stops = (substrate.stop(phases.free), substrate.stop(phases.nudged))
        return cls(inputs, targets, nudges, cost_of(phases), *stops, rng, substrate.network.nudge, **others)

    @property
    def betas(self) -> list[float]:
        """The strengths of the nudged phases, in their order."""
        return [beta for beta, _ in self.nudges]

    def nudge(self, beta: float, free: Equilibrium) -> Nudge:
        """Return the pull of a nudged phase that follows a free equilibrium."""
        return Nudge(beta, self.targets, self.cost, self.mode, free)

    def relax(self, substrate: Substrate, record: Any = None) -> Equilibrium:
        """Return the free equilibrium."""
        record = self.record if record is None else record
        return substrate.relax(self.inputs, start=self.start, stop=self.free, rng=self.rng, record=record)

    def settle(
        self, substrate: Substrate, *, record: Any = None, plasticity: Callable[[float], Any] | None = None
    ) -> tuple[Equilibrium, tuple[Equilibrium, ...]]:
        """Return the free equilibrium, and the end of each nudged phase that starts there.

        Parameters
        ----------
        substrate
            The substrate that relaxes.
        record
            The `Recording` that keeps the phases; that of the trial if left out.
        plasticity
            A function that takes the gain of a nudged phase and returns the `plasticity` argument of `relax`.
        """
        record = self.record if record is None else record
        free = self.relax(substrate, record)
        nudged = tuple(
            substrate.relax(
                self.inputs,
                self.nudge(beta, free),
                free.resume,
                stop=replace(self.nudged, judged=False),
                plasticity=None if plasticity is None else plasticity(gain),
                record=record,
                rng=self.rng,
            )
            for beta, gain in self.nudges
        )
        return free, nudged
