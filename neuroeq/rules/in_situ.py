"""In-situ learning: the synapses' own equations change them while a nudged phase runs.

    dw/dt = gain * hebb,   hebb = rho_i drho_j/dt + rho_j drho_i/dt   (or what else the synapse model says)

The only local difference between the phases is whether synaptic change is allowed. Transmission uses the weights held
at the start of the phase; what has accumulated is committed once, after the phases.

Scellier & Bengio 2017, Section 5, doi:10.3389/fncom.2017.00024.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..contract import Nudge, NudgeMode, Params, Stop
from ..costs import Cost
from ..engine import Accumulator, Plasticity
from ..substrates import NeuronSubstrate
from .update import Update

Array = np.ndarray


def in_situ(
    substrate: NeuronSubstrate,
    inputs: Array,
    targets: Array,
    nudges: list[tuple[float, float]],
    cost: Cost,
    stops: tuple[Stop, Stop],
    rng: np.random.Generator,
    record: Any = None,
    mode: NudgeMode = "state",
    commit: Callable[[Params], None] | None = None,
) -> Update:
    """Return what the synapses have accumulated over the nudged phases.

    Parameters
    ----------
    substrate
        Whose synapses are plastic.
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
    commit
        Applies a change at once; then the weights move at every nudged step (continual Equilibrium Propagation, Ernoult
        et al. 2020, arXiv:2005.04168), and the update that is returned is empty.
    """
    free = substrate.relax(inputs, stop=stops[0], rng=rng, record=record)
    into = Accumulator()

    def on_step() -> Params:
        assert commit is not None
        commit(substrate.shaped(into.take()))
        return substrate.weights

    nudged = tuple(
        substrate.relax(
            inputs,
            Nudge(beta, targets, cost, mode, free),
            free.resume,
            stop=stops[1],
            plasticity=Plasticity(into, gain, on_step if commit else None),
            record=record,
            rng=rng,
        )
        for beta, gain in nudges
    )
    return Update(substrate.shaped(into.take()), free, nudged)
