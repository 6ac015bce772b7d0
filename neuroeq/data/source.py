"""Raw examples, before a protocol splits them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Source:
    """The examples of a data set as they are stored, before they are split and scaled.

    Parameters
    ----------
    inputs
        Floats, or bytes that `scale` turns into floats: (n, d).
    labels
        Classes of the examples, counted from 0: (n,).
    test_inputs, test_labels
        The test part, if the data set comes with one: (m, d) and (m,).
    scale
        Factor that the inputs are multiplied by.
    rescale
        Whether each input is rescaled to [0, 1], using the range that it has in the training part.
    """

    inputs: Array
    labels: Array
    test_inputs: Array | None = None
    test_labels: Array | None = None
    scale: float = 1.0
    rescale: bool = False
