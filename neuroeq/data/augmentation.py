"""How the images of the training part are moved and mirrored, anew in every epoch.

    padded = image with `crop` rows and columns of the stored value 0 on each side
    image <- padded[top : top + height, left : left + width]    top, left uniform in 0 .. 2 crop
    image <- image[:, ::-1]                                     with probability 1/2, where `flip`

Source: He, Zhang, Ren & Sun 2016, Deep residual learning for image recognition, CVPR, section 4.2.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from neuroeq.describe.spec.data import Augment
from neuroeq.randomness import Streams

from .source import Shape

Array = np.ndarray


class Augmentation:
    """What happens to the training images in one epoch; it depends on the image and the epoch, not on their order.

    Parameters
    ----------
    spec
        How images may be changed.
    shape
        Channels, height and width of the images.
    n_examples
        Number of training examples.
    streams
        Random numbers of the run.
    epoch
        Number of the epoch, from 0.
    """

    def __init__(self, spec: Augment, shape: Shape, n_examples: int, streams: Streams, epoch: int) -> None:
        self._shape, self._crop = shape, spec.crop
        self._corners = streams.child("crop", epoch).integers(0, 2 * spec.crop + 1, (n_examples, 2))
        self._mirrored = np.zeros(n_examples, bool)
        if spec.flip:
            self._mirrored = streams.child("flip", epoch).random(n_examples) < 0.5

    def of(self, stored: Array, which: Array | slice) -> Array:
        """Return the images as they are in this epoch, of the type in which they are stored: (m, d).

        Parameters
        ----------
        stored
            The images as they are stored: (m, d).
        which
            Their numbers in the training part: (m,), or a slice.
        """
        images = self._moved(stored.reshape(-1, *self._shape), self._corners[which])
        mirrored = self._mirrored[which]
        images[mirrored] = images[mirrored][..., ::-1]
        return images.reshape(stored.shape)

    def _moved(self, images: Array, corners: Array) -> Array:
        """Return copies of images (m, channels, height, width) that begin in a row and a column of the padded ones."""
        if not self._crop:
            return images.copy()
        sides, (height, width) = (self._crop, self._crop), self._shape[1:]
        padded = np.pad(images, ((0, 0), (0, 0), sides, sides))
        windows = sliding_window_view(padded, (height, width), axis=(2, 3))  # type: ignore[call-overload]
        return windows[np.arange(len(images)), :, corners[:, 0], corners[:, 1]]
