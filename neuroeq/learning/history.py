"""Sample the weights of some synapses during a training, for the traces of a run."""

from __future__ import annotations

from math import prod

import numpy as np

from neuroeq.describe.network import mask
from neuroeq.describe.params import param_shapes
from neuroeq.describe.spec import Network
from neuroeq.randomness import Streams

from .state import State

POINTS = 200
"""Number of samples over a whole training."""
SYNAPSES = 16
"""Number of synapses of each projection that are sampled, at most."""


def sampled(network: Network, streams: Streams) -> dict[str, np.ndarray]:
    """Return which weights of each projection are sampled, as places in its flattened weights: (n_synapses,).

    Parameters
    ----------
    network
        The network that is trained.
    streams
        Random numbers of the run.
    """
    rng, shapes, chosen = streams.child("history"), param_shapes(network), {}
    for name in network.projections:
        connected = mask(network, name)
        existing = np.arange(prod(shapes[name])) if connected is None else np.flatnonzero(connected)
        chosen[name] = np.sort(rng.choice(existing, min(SYNAPSES, len(existing)), replace=False))
    return chosen


class WeightHistory:
    """Adds samples to the history of a state.

    Parameters
    ----------
    network
        The network that is trained.
    state
        The state of its training, whose history is added to.
    streams
        Random numbers of the run, which choose the synapses.
    n_batches
        Number of batches in an epoch.
    """

    def __init__(self, network: Network, state: State, streams: Streams, n_batches: int) -> None:
        self._state, self._n_batches = state, n_batches
        self._every = max(1, network.training.epochs * n_batches // POINTS)
        self._chosen = sampled(network, streams)

    def before(self, batch: int, chunk: int) -> None:
        """Sample the weights before some batches of the current epoch, if a sample is due in one of them.

        Parameters
        ----------
        batch
            Number of the first of them, from 0.
        chunk
            How many they are.
        """
        if (self._state.epoch * self._n_batches + batch) % self._every < chunk:
            self.sample(self._state.epoch + batch / self._n_batches)

    def sample(self, at: float) -> None:
        """Sample the weights now, at a time in epochs."""
        self._state.history_at.append(at)
        for name, which in self._chosen.items():
            self._state.history.setdefault(name, []).append(self._state.params[name].ravel()[which].copy())
