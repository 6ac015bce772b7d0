"""The evaluation of a network on examples, by free phases only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neuroeq.contract import Stop, Substrate
from neuroeq.data.examples import Part, predictions, targets
from neuroeq.learning.costs import cost_of
from neuroeq.randomness import Streams


@dataclass(frozen=True)
class Score:
    """The result of an evaluation.

    Parameters
    ----------
    error
        The fraction of examples in the wrong class, or whose outputs are silent and name none.
    loss
        The mean cost of an example.
    spikes
        The mean number of spikes of an inference; None if the units do not spike.
    """

    error: float
    loss: float
    spikes: float | None


def evaluate(
    substrate: Substrate,
    part: Part,
    n_classes: int,
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
    n_classes
        The number of classes of the data set.
    stop
        The stopping criterion of the free phase.
    streams, name, epoch
        The random numbers of the run, and the name and number by which the start values are drawn from them.
    watch
        A function that is called after each batch, with the number of examples in it.
    """
    network = substrate.network
    coding, cost = network.data.targets, cost_of(network.phases)
    wrong, loss, spikes = 0, 0.0, 0.0
    for batch, (inputs, labels) in enumerate(part.batches(substrate.batch, network.physics.precision)):
        free = substrate.relax(inputs, stop=stop, rng=streams.child(name, epoch, batch))
        wrong += int((predictions(free.outputs, coding) != labels).sum())
        loss += float(cost.value(free.outputs, targets(labels, n_classes, coding)).sum())
        spikes += (free.spikes or 0.0) * len(labels)
        if watch is not None:
            watch(len(labels))
    return Score(wrong / len(part), loss / len(part), spikes / len(part) if substrate.spiking else None)
