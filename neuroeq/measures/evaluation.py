"""How well a network does on examples: free phases only."""

from __future__ import annotations

from dataclasses import dataclass

from neuroeq.contract import Stop, Substrate
from neuroeq.data.examples import Part, predictions, targets
from neuroeq.learning.costs import cost_of
from neuroeq.randomness import Streams


@dataclass(frozen=True)
class Score:
    """What evaluation found.

    Parameters
    ----------
    error
        Fraction of examples in the wrong class.
    loss
        Mean cost.
    spikes
        Mean number of spikes of an inference; None where there are none.
    """

    error: float
    loss: float
    spikes: float | None


def evaluate(
    substrate: Substrate, part: Part, n_classes: int, stop: Stop, streams: Streams, name: str, epoch: int
) -> Score:
    """Return the score of a substrate on some examples.

    Parameters
    ----------
    substrate
        With the parameters to evaluate.
    part
        The examples.
    n_classes
        Of the data set.
    stop
        Of the free phase.
    streams, name, epoch
        Where the random start values come from.
    """
    network = substrate.network
    coding, cost = network.data.targets, cost_of(network.phases)
    wrong, loss, spikes = 0, 0.0, 0.0
    for batch, (inputs, labels) in enumerate(part.batches(substrate.batch, network.physics.precision)):
        free = substrate.relax(inputs, stop=stop, rng=streams.child(name, epoch, batch))
        wrong += int((predictions(free.outputs, coding) != labels).sum())
        loss += float(cost.value(free.outputs, targets(labels, n_classes, coding)).sum())
        spikes += (free.spikes or 0.0) * len(labels)
    return Score(wrong / len(part), loss / len(part), spikes / len(part) if substrate.spiking else None)
