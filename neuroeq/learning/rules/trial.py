"""What every rule is given: a batch with its targets, and the phases to learn it by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from neuroeq.contract import Equilibrium, Nudge, NudgeMode, Params, Stop, Substrate
from neuroeq.describe.spec import Phases

from ..costs import Cost, cost_of

Array = np.ndarray


@dataclass(frozen=True)
class Trial:
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
        Draws start values and noise; the same ones in every phase if left out.
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
        """Return a trial in the phases of a substrate's network, or in others."""
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
        """Return where the free phase ends."""
        record = self.record if record is None else record
        return substrate.relax(self.inputs, start=self.start, stop=self.free, rng=self.rng, record=record)

    def settle(
        self, substrate: Substrate, *, record: Any = None, plasticity: Callable[[float], Any] | None = None
    ) -> tuple[Equilibrium, tuple[Equilibrium, ...]]:
        """Return where the free phase ends, and where each nudged phase ends that starts there.

        Parameters
        ----------
        substrate
            The substrate that relaxes.
        record
            Where the phases are recorded; that of the trial if left out.
        plasticity
            A function from the gain of a nudged phase to what lets synapses change in it.
        """
        record = self.record if record is None else record
        free = self.relax(substrate, record)
        nudged = tuple(
            substrate.relax(
                self.inputs,
                self.nudge(beta, free),
                free.resume,
                stop=self.nudged,
                plasticity=None if plasticity is None else plasticity(gain),
                record=record,
                rng=self.rng,
            )
            for beta, gain in self.nudges
        )
        return free, nudged
