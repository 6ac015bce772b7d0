"""One pass through the training examples: in a random order, with images moved and mirrored where the file asks so.

Whoever learns takes its batches here, so that all learn the same images in the same order.
"""

from __future__ import annotations

import numpy as np

from neuroeq.describe.spec import Network
from neuroeq.randomness import Streams

from .augmentation import Augmentation
from .examples import Examples

Array = np.ndarray


class Epoch:
    """The training examples in the order of an epoch.

    Parameters
    ----------
    examples
        The examples, of which the training part is learned.
    network
        The resolved network, which says how images are augmented.
    streams
        Random numbers of the run.
    number
        Number of the epoch, from 0; what is drawn depends on it alone, so a resumed run draws the same.

    Attributes
    ----------
    order
        Numbers of the examples in the training part, in the order in which they are learned: (n,).
    """

    def __init__(self, examples: Examples, network: Network, streams: Streams, number: int) -> None:
        self._examples, self._network, augment = examples, network, network.data.augment
        self.order = streams.child("data", number).permutation(len(examples.train))
        self._augmentation = None
        if examples.shape is not None and augment is not None:
            self._augmentation = Augmentation(augment, examples.shape, len(self.order), streams, number)

    def batch(self, start: int, stop: int) -> tuple[Array, Array, Array]:
        """Return inputs, labels and targets of the examples at places of the order."""
        return self._examples.batch(self._examples.train, self.order[start:stop], self._network, self._augmentation)
