"""Hardware and network are matched to each other: the largest weight of the window, and the strength of the nudge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuroeq.randomness import Streams

from ..network import initial_params
from ..spec import Network
from ..spec.files import Table


def with_nudge(raw: Table, hardware: Table, changes: Sequence[Table]) -> Table:
    """Return the table of a network whose nudge is as strong as its hardware asks for.

    Parameters
    ----------
    raw
        The table of the network.
    hardware
        The table of its hardware, before the changes.
    changes
        Tables of changes, which may change the hardware's nudge.
    """
    nudges = [table.get("periphery", {}).get("nudge", {}) for table in (hardware, *_of_hardware(changes))]
    betas = [nudge["beta"] for nudge in nudges if "beta" in nudge]
    return {**raw, "phases": {**raw.get("phases", {}), "beta": betas[-1]}} if betas else raw


def with_window(network: Network) -> Network:
    """Return a network on a crossbar whose conductance window holds `headroom` times the largest start weight.

    A window that was chosen, by `w_max` or `r_f`, is left as it is.
    """
    if not network.kind.pairs or network.hardware is None:
        return network
    neuron = network.hardware.neuron
    integrator = neuron.integrator
    chosen = integrator.headroom is None or integrator.r_f is not None or "w_max" in integrator.model_fields_set
    if chosen:
        return network
    start = initial_params(network, Streams(network.run.seed).child("init"))
    largest = max(float(np.abs(start[name]).max(initial=0)) for name in network.projections)
    if not largest:
        return network
    matched = integrator.model_copy(update={"w_max": (integrator.headroom or 1.0) * largest})
    neuron = neuron.model_copy(update={"integrator": matched})
    return network.model_copy(update={"hardware": network.hardware.model_copy(update={"neuron": neuron})})


def _of_hardware(changes: Sequence[Table]) -> list[Table]:
    return [change["hardware"] for change in changes if isinstance(change.get("hardware"), dict)]
