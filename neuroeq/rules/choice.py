"""Which rule a network learns by: its recipe says, and this calls it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..contract import Params
from ..costs import COSTS
from ..spec import Phases
from ..substrates import AnySubstrate, NeuronSubstrate
from .contrastive import contrastive
from .in_situ import in_situ
from .update import Update
from .vector_field import vector_field

Array = np.ndarray


def estimate(
    substrate: AnySubstrate,
    inputs: Array,
    targets: Array,
    phases: Phases,
    nudges: list[tuple[float, float]],
    rng: np.random.Generator,
    commit: Callable[[Params], None] | None = None,
) -> Update:
    """Return the change that the network's own rule asks for.

    Parameters
    ----------
    substrate
        That relaxes; its network's recipe names the rule.
    inputs, targets
        (batch, n_input) and (batch, n_output).
    phases
        How long they last, the cost, and how outputs are nudged.
    nudges
        (beta, gain) of every nudged phase.
    rng
        For start values and noise.
    commit
        Of learning in situ, as there.
    """
    training, cost = substrate.network.training, COSTS[phases.cost]
    stops = (substrate.stop(phases.free), substrate.stop(phases.nudged))
    if training.learning == "contrastive" and training.rule == "ep":
        return contrastive(substrate, inputs, targets, nudges, cost, stops, rng, mode=phases.nudge)
    assert isinstance(substrate, NeuronSubstrate)
    if training.rule == "vector_field":
        return vector_field(substrate, inputs, targets, nudges, cost, stops, rng, mode=phases.nudge)
    return in_situ(substrate, inputs, targets, nudges, cost, stops, rng, mode=phases.nudge, commit=commit)
