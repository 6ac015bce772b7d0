"""The free phase of the first batch of an epoch, for trainers that keep only the outputs of the others."""

from __future__ import annotations

from typing import Any

from ..free_phases import FreePhases
from .contract import Batches, Setup


def first_free_phase(setup: Setup, batches: Batches, start: Any = None) -> FreePhases:
    """Relax the first batch of an epoch, show it to the monitor, and return its sums; return empty sums otherwise.

    Parameters
    ----------
    setup
        The substrate, with the parameters before the batches, and the monitor.
    batches
        The batches that are learned next.
    start
        The state that it starts from; None to start at rest.

    Raises
    ------
    SpecError
        If beta is beyond the stability margin of a network that nothing bounds.
    """
    if batches.first:
        return FreePhases()
    substrate, epoch = setup.substrate, batches.epoch
    inputs = batches.inputs[: substrate.network.training.batch_size]
    several = setup.monitor.multistability(inputs, epoch, setup.streams)
    stop = substrate.stop(substrate.network.phases.free)
    free = substrate.relax(inputs, None, start, stop=stop, rng=setup.streams.child("state", epoch, 0))
    setup.monitor.margin(free, epoch)
    looked_at = FreePhases.of(substrate, free, len(inputs))
    looked_at.multistable = several
    return looked_at
