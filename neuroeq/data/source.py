"""Raw examples, before a protocol splits them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

Array = np.ndarray
Shape = tuple[int, int, int]
"""Channels, height and width of images."""


@dataclass(frozen=True)
class Source:
    """The examples of a data set as they are stored, before they are split and scaled.

    Parameters
    ----------
    inputs
        Floats, or bytes that `scale` turns into floats: (n, d); those of images in the order channel, row, column.
    labels
        What each example is: a class, (n,), integers or texts; or values, (n,) or (n, n_output), real numbers.
    test_inputs, test_labels
        The test part, if the data set comes with one: (m, d), and as for `labels`.
    scale
        Factor that the inputs are multiplied by.
    rescale
        Whether each input is rescaled to [0, 1], using the range that it has in the training part.
    shape
        Channels, height and width of the inputs, where they are images; None for tables, whose columns have no places.
    """

    inputs: Array
    labels: Array
    test_inputs: Array | None = None
    test_labels: Array | None = None
    scale: float = 1.0
    rescale: bool = False
    shape: Shape | None = None

    def labelled(self, labels: Array, test_labels: Array | None) -> Source:
        """Return the same examples with other labels."""
        return replace(self, labels=labels, test_labels=test_labels)


def shape_of(images: Array) -> Shape | None:
    """Return channels, height and width of images: (n, height, width), or (n, channels, height, width).

    Arrays of fewer dimensions, such as tables (n, d), have no such shape.
    """
    sizes = images.shape[1:]
    if len(sizes) == 2:
        return (1, *sizes)
    return sizes if len(sizes) == 3 else None


def flat(images: Array) -> Array:
    """Return inputs as they are stored, a row for each example: (n, d)."""
    return images.reshape(len(images), prod(images.shape[1:]))
