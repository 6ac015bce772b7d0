"""The contract between the training loop and a trainer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from neuroeq.contract import Params, Substrate
from neuroeq.describe.spec import Network
from neuroeq.randomness import Streams

from ..free_phases import FreePhases
from ..monitor import TrainingMonitor
from ..state import State

Array = np.ndarray
CHUNK, CHUNK_SAMPLES = 64, 4096
"""The largest numbers of batches and of examples that a fast trainer is given at a time."""
COMPILED_FROM = 200_000
"""The number of samples of a whole training above which compiling kernels with numba saves time."""


@dataclass(frozen=True)
class Batches:
    """Consecutive batches of an epoch, of which only the last of the epoch may be smaller than the others.

    Parameters
    ----------
    inputs, targets
        Inputs of all examples, (n, n_input), and their target outputs, (n, n_output).
    which
        Numbers of the examples in the training part: (n,).
    epoch, first
        Number of the epoch, and of the first batch in it, from 0; random numbers are drawn by them.
    """

    inputs: Array
    targets: Array
    which: Array
    epoch: int
    first: int


@dataclass(frozen=True)
class Outcome:
    """The outcome of learning from some batches.

    Parameters
    ----------
    outputs
        Outputs at the free equilibria, before the update of each batch: (n, n_output).
    free
        Sums over the free phases that were examined.
    edges
        Number of remaining edges; None if edges are not pruned.
    """

    outputs: Array
    free: FreePhases = field(default_factory=FreePhases)
    edges: int | None = None


@dataclass(frozen=True)
class Setup:
    """What a trainer needs to start.

    Parameters
    ----------
    substrate
        The substrate that learns; trainers keep its parameters up to date.
    state
        The state of the training. A trainer starts from its parameters, and updates its velocity, devices and
        particles in place.
    streams
        Random numbers of the run.
    n_examples
        Number of training examples.
    monitor
        The monitor, which is shown the first free phase of each epoch before later batches are learned.
    """

    substrate: Substrate
    state: State
    streams: Streams
    n_examples: int
    monitor: TrainingMonitor

    @property
    def samples(self) -> int:
        """The number of samples of the whole training: examples times epochs."""
        return self.substrate.network.training.epochs * self.n_examples


class Trainer(Protocol):
    """Learns from batches; a class of `neuroeq.registry.TRAINERS`.

    Parameters
    ----------
    setup
        The substrate and the state of its training.

    Attributes
    ----------
    name
        Its name in the registry.
    chunk
        The largest number of batches that it is given at a time.
    """

    name: str
    chunk: int

    def __init__(self, setup: Setup) -> None: ...

    @staticmethod
    def reasons(network: Network) -> Iterator[str]:
        """Yield a sentence for each setting of a resolved network that it does not allow."""
        ...

    @staticmethod
    def drawbacks(network: Network, samples: int, target: str) -> Iterator[str]:
        """Yield a sentence for each reason not to use it unless a user asks for it.

        Parameters
        ----------
        network
            The resolved network, for which there are no `reasons`.
        samples
            The number of samples of the whole training.
        target
            What equations are compiled to: ``"cython"`` or ``"numpy"``, as `use_target` returned it.
        """
        ...

    @staticmethod
    def title(samples: int) -> str:
        """Return the name that result.json gives to it in a training of `samples` samples."""
        ...

    @staticmethod
    def prepare(network: Network, samples: int) -> None:
        """Compile what a training needs, so that compiling is not part of the training time.

        Raises
        ------
        SpecError
            If it cannot be compiled.
        """
        ...

    @property
    def params(self) -> Params:
        """The parameters as they are now; they may change in place."""
        ...

    def learn(self, batches: Batches) -> Outcome:
        """Learn from batches in their order."""
        ...


def chunk_of(network: Network) -> int:
    """Return the number of batches that a fast trainer of a network is given at a time."""
    return max(1, min(CHUNK, CHUNK_SAMPLES // network.training.batch_size))


def compiling_pays(samples: int) -> bool:
    """Return whether compiling saves time in a training of `samples` samples."""
    return samples >= COMPILED_FROM
