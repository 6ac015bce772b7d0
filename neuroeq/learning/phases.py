"""The nudged phases of each variant: their strengths, and the factors with which they enter the estimate.

    positive      (1/b) [E'(s^b) - E'(s0)]
    negative      (1/b) [E'(s0) - E'(s^-b)]
    random sign   either, drawn for each batch
    centred       (1/2b) [E'(s^b) - E'(s^-b)], both phases from the same free state

Scellier & Bengio 2017; Laborieux et al. 2021, Front. Neurosci. 15:633674.
"""

from __future__ import annotations

from typing import assert_never

import numpy as np

from neuroeq.describe.spec import Phases


def nudges(phases: Phases, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return (beta, gain) of every nudged phase.

    The estimate is the sum, over the nudged phases, of the gain times the change that a phase accumulates from the free
    state on. Every phase starts at the free state, so the gains also give the weight of its energy gradient.

    Parameters
    ----------
    phases
        The variant and its beta.
    rng
        The generator that draws the sign of ``random_sign``.
    """
    beta = phases.beta
    match phases.variant:
        case "positive":
            return [(beta, 1 / beta)]
        case "negative":
            return [(-beta, -1 / beta)]
        case "random_sign":
            sign = 1.0 if rng.random() < 0.5 else -1.0
            return [(sign * beta, sign / beta)]
        case "centred":
            return [(beta, 0.5 / beta), (-beta, -0.5 / beta)]
        case _:
            assert_never(phases.variant)
