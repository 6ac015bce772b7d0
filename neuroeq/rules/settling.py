"""The phases of a rule that compares where a substrate settles: one free, and from there each nudged one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract import Equilibrium, Nudge, NudgeMode, Stop, Substrate
from ..costs import Cost

Array = np.ndarray


def settle(
    substrate: Substrate,
    inputs: Array,
    targets: Array,
    nudges: list[tuple[float, float]],
    cost: Cost,
    stops: tuple[Stop, Stop],
    rng: np.random.Generator,
    record: Any = None,
    mode: NudgeMode = "state",
) -> tuple[Equilibrium, tuple[Equilibrium, ...]]:
    """Return the free equilibrium and where each nudged phase ended; arguments as of `contrastive`."""
    free = substrate.relax(inputs, stop=stops[0], rng=rng, record=record)
    nudged = tuple(
        substrate.relax(
            inputs, Nudge(beta, targets, cost, mode, free), free.resume, stop=stops[1], rng=rng, record=record
        )
        for beta, _ in nudges
    )
    return free, nudged
