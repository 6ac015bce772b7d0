"""Which examples of a set are looked at: some of every class."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def in_turn(labels: Array, samples: int | None = None, most_of_each: int | None = None) -> Array:
    """Return which examples come first, one class after the other and then again.

    Parameters
    ----------
    labels
        The class of each example, (n,); if they have values, (n, n_output), they come as they are stored.
    samples
        How many to choose, all if left out; fewer are returned if there are not so many.
    most_of_each
        How many to choose of each class at most; any number if left out.
    """
    if labels.ndim > 1:
        return np.arange(len(labels))[:samples]
    queues = [np.flatnonzero(labels == label)[:most_of_each] for label in np.unique(labels)]
    order = [queue[turn] for turn in range(max(map(len, queues))) for queue in queues if turn < len(queue)]
    return np.array(order[:samples])
