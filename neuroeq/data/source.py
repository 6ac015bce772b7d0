"""Raw examples, before a protocol splits them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Source:
    """Raw examples.

    Parameters
    ----------
    inputs
        (n, d), floats, or bytes with `scale`.
    labels
        Classes from 0: (n,).
    test_inputs, test_labels
        Where the set comes with a test part.
    scale
        What inputs are multiplied by.
    rescale
        Whether each input is to be brought to [0, 1] by the range it has in the training part.
    """

    inputs: Array
    labels: Array
    test_inputs: Array | None = None
    test_labels: Array | None = None
    scale: float = 1.0
    rescale: bool = False
