"""Whether a training has learned anything: its error leaves that of guessing before its last half is over.

Guessing the most frequent class is wrong for all other examples: chance = 1 - (its share of the training examples).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

AT_CHANCE = 0.95
"""The fraction of the error of guessing from which on an error counts as that of guessing."""


def chance_error(labels: np.ndarray) -> float:
    """Return the error of guessing the most frequent class.

    Parameters
    ----------
    labels
        The class of each training example: (n,).
    """
    return 1 - float(np.unique(labels, return_counts=True)[1].max()) / len(labels)


def has_learned(errors: Sequence[float], chance: float) -> bool:
    """Return whether the mean error over the last half of the epochs is below that of guessing.

    Parameters
    ----------
    errors
        The training error of each epoch.
    chance
        The error of guessing.
    """
    last_half = errors[len(errors) // 2 :]
    return chance == 0 or float(np.mean(last_half)) < AT_CHANCE * chance
