"""The state of a training: what a checkpoint keeps, and what the loop reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from neuroeq.contract import Params
from neuroeq.data.coding import Coding

from .free_phases import FreePhases

Array = np.ndarray
NOISE = 1
"""The version of the random numbers that units and pruning draw, those of `neuroeq.physics.engine.noise`."""


@dataclass
class Tally(FreePhases):
    """Sums over the batches of the current epoch; those of free phases run over `looked_at` examples.

    Parameters
    ----------
    examples
        Number of examples that were learned from.
    misses
        Sums of how wrong their outputs were in the free phase, as `Coding.misses` returns them.
    loss
        Sum of their losses in the free phase.
    edges
        Number of remaining edges; None if edges are not pruned.
    """

    examples: int = 0
    misses: Sequence[float] = ()
    loss: float = 0.0
    edges: int | None = None

    def row(self, coding: Coding, labels: Array) -> dict[str, float]:
        """Return a row of the metrics of an epoch whose training examples have these labels."""
        figures = coding.figures(np.asarray(self.misses), labels)
        return {**{f"train_{name}": value for name, value in figures.items()}, **self.mean()}

    def mean(self) -> dict[str, float]:
        """Return means over the epoch, and the number of free phases that were examined."""
        n, looked_at = max(self.examples, 1), max(self.looked_at, 1)
        row = {"train_loss": self.loss / n, "residual": self.residual / looked_at}
        row |= {"free_steps": self.steps / looked_at, "spikes": self.spikes / looked_at, "looked_at": self.looked_at}
        row |= {} if self.edges is None else {"edges": self.edges}
        row |= {} if self.multistable is None else {"multistable": self.multistable}
        row |= {f"moving_{layer}": value / looked_at for layer, value in self.moving.items()}
        return row | {f"top_{layer}": value / looked_at for layer, value in self.top.items()}


@dataclass
class State:
    """The state of a training between two batches: all that a resumed run needs.

    Parameters
    ----------
    params
        Weights and biases, by name.
    velocity
        The `velocity` of the optimiser, by parameter.
    devices
        Conductances of the devices of a circuit, if they differ from those that were written [S].
    particles
        The last free state of each training example, where the network's phases are persistent.
    epoch, batch
        Numbers of the next epoch and batch to train, from 0.
    tally
        Sums over the batches of the current epoch.
    history
        Weights of some synapses by projection, one row for each time they were sampled: (n, n_synapses).
    history_at
        The time at which each row was sampled, in epochs: (n,).
    cpu_s, wall_s
        Time spent on training so far [s].
    trainer
        Name of the trainer in `neuroeq.registry.TRAINERS`; None before it is chosen.
    wire_error
        The largest error that was found at the end of an epoch where the wires of arrays are approximated, as a
        fraction of an array's largest weight; None if they are not.
    full_scales
        The full scales of the converters, by layer, where they are calibrated. [V]
    start
        The parameters of another run that training started from; nothing if they were drawn.
    stopped_at
        The number of epochs after which the training ended early; None if it did not.
    noise
        The version of the random numbers that units and pruning draw; 0 for those of version 0.1.
    """

    params: Params
    velocity: Params = field(default_factory=dict)
    devices: dict[str, Array] = field(default_factory=dict)
    particles: dict[str, Array] = field(default_factory=dict)
    epoch: int = 0
    batch: int = 0
    tally: Tally = field(default_factory=Tally)
    history: dict[str, list[Array]] = field(default_factory=dict)
    history_at: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    wall_s: float = 0.0
    trainer: str | None = None
    wire_error: float | None = None
    full_scales: dict[str, float] = field(default_factory=dict)
    start: Params = field(default_factory=dict)
    stopped_at: int | None = None
    noise: int = NOISE


@dataclass(frozen=True)
class Step:
    """What the loop reports after a trainer has learned from one or more batches.

    Parameters
    ----------
    epoch, n_epochs
        Number of the epoch, from 0, and how many there are.
    batch, n_batches
        Number of the last batch, from 0, and how many an epoch has.
    examples
        Number of examples that were learned from.
    loss, error
        Their mean loss and the fraction in the wrong class, in the free phase before the update; of values, the root
        mean square error in the user's units.
    ends_epoch
        Whether the epoch is complete.
    """

    epoch: int
    n_epochs: int
    batch: int
    n_batches: int
    examples: int
    loss: float
    error: float
    ends_epoch: bool
