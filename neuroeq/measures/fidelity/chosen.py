"""Which examples an update is checked with: the first ones of each class, in turn, that have a gradient.

An example has one if an output that can move is away from its target. Outputs at their bounds are stuck, and where they
are right there is nothing to learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroeq.contract import Substrate
from neuroeq.data import Examples
from neuroeq.data.choice import in_turn
from neuroeq.learning.costs import cost_of
from neuroeq.physics.substrates.stability import unclipped_states

Array = np.ndarray
WORTH = 1e-3
"""The least derivative of the cost in an output, of which 1 is the scale, that two phases can measure."""
MOST = 5000
"""The number of examples that are looked at, at most."""


@dataclass(frozen=True)
class Chosen:
    """The examples that were chosen.

    Parameters
    ----------
    which
        Their indices in the training part: (n,).
    passed_over
        The number of examples before the last of them that have no gradient.
    """

    which: Array
    passed_over: int


def choose_examples(substrate: Substrate, examples: Examples, samples: int) -> Chosen:
    """Return the first examples of each class, in turn, that have a gradient.

    Parameters
    ----------
    substrate
        The substrate whose gradient is asked for.
    examples
        The examples, of which the training part is looked through.
    samples
        The number of examples to find; fewer are returned if there are not so many.
    """
    order = in_turn(np.asarray(examples.train.labels))[:MOST]
    found: list[int] = []
    looked_at = 0
    for start in range(0, len(order), samples):
        rows = order[start : start + samples]
        inputs, _, wanted = examples.batch(examples.train, rows, substrate.network)
        for row, worth in zip(rows, has_gradient(substrate, inputs, wanted), strict=True):
            looked_at += 1
            if worth:
                found.append(row)
            if len(found) == samples:
                return Chosen(np.array(found), looked_at - samples)
    return Chosen(np.array(found, int), looked_at - len(found))


def has_gradient(substrate: Substrate, inputs: Array, targets: Array) -> Array:
    """Return which examples of a batch have a gradient: (batch,)."""
    network = substrate.network
    free = substrate.relax(inputs, stop=substrate.stop(network.phases.free))
    pull = np.abs(cost_of(network.phases).gradient(free.outputs, targets))
    if substrate.as_field() is not None:
        pull = pull * unclipped_states(network, free)[network.output_layer]
    return (pull > WORTH).any(axis=1)
