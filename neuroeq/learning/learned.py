"""Whether a training has learned anything: its error leaves that of guessing before its last half is over.

Guessing the most frequent class is wrong for all other examples: chance = 1 - (its share of the training examples).
Of values, the best guess is the mean of each output, whose root mean square error is that of the deviations from it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

AT_CHANCE = 0.95
"""The fraction of the error of guessing from which on an error counts as that of guessing."""


def chance_error(labels: np.ndarray) -> float:
    """Return the error of guessing the most frequent class, or the root mean square error of guessing mean values.

    Parameters
    ----------
    labels
        The class of each training example, (n,), or its values, (n, n_output).
    """
    if labels.ndim > 1:
        return float(np.sqrt(labels.var(axis=0).mean()))
    return 1 - float(np.unique(labels, return_counts=True)[1].max()) / len(labels)


def has_learned(errors: Sequence[float], chance: float) -> bool:
    """Return whether the mean error over the last half of the epochs is below that of guessing.

    Parameters
    ----------
    errors
        The training error of each epoch, or its root mean square error.
    chance
        The error of guessing.
    """
    last_half = errors[len(errors) // 2 :]
    return chance == 0 or float(np.mean(last_half)) < AT_CHANCE * chance
