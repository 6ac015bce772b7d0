"""Vector-field learning: Equilibrium Propagation without an energy, for directed weights.

    Delta W_ij = (1/beta) rho(s_i^0) (s_j^beta - s_j^0),      Delta theta = (1/beta) (dmu/dtheta(s^0))^T (s^beta - s^0)

It is the gradient where the Jacobian of the dynamics mu is symmetric, and points about along it otherwise:
-(dC/ds)^T Jac^-T dmu/dtheta in place of Jac^-1. A unit that is clipped does not move, so dmu/dbias drops out.

Scellier, Goyal, Binas, Mesnard & Bengio 2018, arXiv:1808.04873.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract import NudgeMode, Stop
from ..costs import Cost
from ..substrates import NeuronSubstrate
from .settling import settle
from .update import Update

Array = np.ndarray


def vector_field(
    substrate: NeuronSubstrate,
    inputs: Array,
    targets: Array,
    nudges: list[tuple[float, float]],
    cost: Cost,
    stops: tuple[Stop, Stop],
    rng: np.random.Generator,
    record: Any = None,
    mode: NudgeMode = "state",
) -> Update:
    """Return free presynaptic activities times the changes of postsynaptic states; arguments as of `contrastive`."""
    free, nudged = settle(substrate, inputs, targets, nudges, cost, stops, rng, record, mode)
    gains = [gain for _, gain in nudges]
    return Update(substrate.field_contrast(free, list(zip(gains, nudged, strict=True))), free, nudged)
