"""Contrastive learning, the original form of Equilibrium Propagation.

    Delta theta = -(1/beta) [dE/dtheta(s^beta) - dE/dtheta(s^0)]      (and its variants, see phases)

Scellier & Bengio 2017, Front. Comput. Neurosci. 11:24, doi:10.3389/fncom.2017.00024.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract import NudgeMode, Stop, Substrate
from ..costs import Cost
from .settling import settle
from .update import Update

Array = np.ndarray


def contrastive(
    substrate: Substrate,
    inputs: Array,
    targets: Array,
    nudges: list[tuple[float, float]],
    cost: Cost,
    stops: tuple[Stop, Stop],
    rng: np.random.Generator,
    record: Any = None,
    mode: NudgeMode = "state",
) -> Update:
    """Return the difference of the energy gradients at the equilibria.

    Parameters
    ----------
    substrate
        That relaxes.
    inputs, targets
        (batch, n_input) and (batch, n_output).
    nudges
        (beta, gain) of every nudged phase.
    cost
        What the nudge lowers.
    stops
        Of the free and of the nudged phase.
    rng
        For start values and noise.
    record
        Keeps what was seen.
    mode
        Of the nudge.
    """
    free, nudged = settle(substrate, inputs, targets, nudges, cost, stops, rng, record, mode)
    gains = [gain for _, gain in nudges]
    weighted = [(sum(gains), free), *((-gain, end) for gain, end in zip(gains, nudged, strict=True))]
    return Update(substrate.energy_contrast([(weight, end) for weight, end in weighted if weight]), free, nudged)
