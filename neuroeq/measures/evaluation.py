"""The evaluation of a network on examples, by free phases only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neuroeq.contract import Stop, Substrate
from neuroeq.data import Part
from neuroeq.data.coding import Coding
from neuroeq.learning.costs import cost_of
from neuroeq.randomness import Streams


@dataclass(frozen=True)
class Score:
    """The result of an evaluation.

    Parameters
    ----------
    figures
        By name, the ``error``: the fraction of examples in the wrong class, or whose outputs are silent and name none;
        or of values the root mean square error, ``rmse``, in the user's units, and ``r2``.
    loss
        The mean cost of an example.
    spikes
        The mean number of spikes of an inference; None if the units do not spike.
    """

    figures: dict[str, float]
    loss: float
    spikes: float | None

    @property
    def error(self) -> float:
        """The error; of values the root mean square error."""
        return next(iter(self.figures.values()))

    def named(self, part: str) -> dict[str, float]:
        """Return the figures with the name of a part of the examples before theirs."""
        return {f"{part}_{name}": value for name, value in self.figures.items()}


def evaluate(
    substrate: Substrate,
    part: Part,
    coding: Coding,
    stop: Stop,
    streams: Streams,
    name: str,
    epoch: int,
    watch: Callable[[int], None] | None = None,
) -> Score:
    """Return the score of a substrate on some examples.

    Parameters
    ----------
    substrate
        The substrate, with the parameters to evaluate.
    part
        The examples to evaluate it on.
    coding
        What outputs stand for: classes or values.
    stop
        The stopping criterion of the free phase.
    streams, name, epoch
        The random numbers of the run, and the name and number by which the start values are drawn from them.
    watch
        A function that is called after each batch, with the number of examples in it.
    """
    network = substrate.network
    cost, misses = cost_of(network.phases), np.zeros(1)
    loss, spikes = 0.0, 0.0
    for batch, (inputs, labels) in enumerate(part.batches(substrate.batch, network.physics.precision)):
        free = substrate.relax(inputs, stop=stop, rng=streams.child(name, epoch, batch))
        misses = misses + coding.misses(free.outputs, labels)
        loss += float(cost.value(free.outputs, coding.targets(labels)).sum())
        spikes += (free.spikes or 0.0) * len(labels)
        if watch is not None:
            watch(len(labels))
    spikes_each = spikes / len(part) if substrate.spiking else None
    return Score(coding.figures(misses, part.labels), loss / len(part), spikes_each)
