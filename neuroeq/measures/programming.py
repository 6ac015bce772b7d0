"""What the programming of devices took: pulses and reads, from the counts that a run keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroeq.describe.spec import Network
from neuroeq.describe.spec.device import Pulsed
from neuroeq.learning.state import State
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.devices import ASKED, MADE, PULSES, READS, Chip
from neuroeq.randomness import Streams

NEAR = 0.01
"""The part of the window at either end in which a device counts as saturated."""


@dataclass(frozen=True)
class Programming:
    """What programming took in a training, and how coarse it is.

    Parameters
    ----------
    scheme
        The programming scheme that brought changes into the devices.
    granularity
        The change of a weight that one pulse is worth on average, or that programming can resolve.
    granularity_of_w_max
        The same as a fraction of the largest weight.
    pulses_per_weight_per_epoch, reads_per_weight_per_epoch
        Programming pulses, or writes of a conductance, and reads of the scheme, over weights and epochs.
    writes_per_device_mean, writes_per_device_most
        Pulses that a device got in the whole training, on average and at most: the endurance used.
    pulses_per_update, reads_per_update
        Pulses and reads of all devices together in one update.
    change_cosine
        Cosine between the changes of the weights that were asked for, summed over the training, and those that devices
        made; None if none was asked for.
    saturated
        Fraction of the devices whose conductance is within 1 % of an end of the window.
    """

    scheme: str
    granularity: float
    granularity_of_w_max: float
    pulses_per_weight_per_epoch: float
    reads_per_weight_per_epoch: float
    writes_per_device_mean: float
    writes_per_device_most: int
    pulses_per_update: float
    reads_per_update: float
    change_cosine: float | None
    saturated: float


def programming(network: Network, state: State, streams: Streams, n_batches: int) -> Programming | None:
    """Return what programming took so far in a training; None where devices hold exactly what is written.

    Parameters
    ----------
    network
        The network, resolved for a circuit.
    state
        The state of the training.
    streams
        The random numbers of the run.
    n_batches
        The number of updates of an epoch.
    """
    chip = WeightStore(network, state.params, dict(state.devices), streams).chip
    if chip is None:
        return None
    pulses, reads = (_counts(chip, state, what) for what in (PULSES, READS))
    weights = sum(int(np.prod(shape[1:])) for shape in chip.shapes.values())
    epochs = max(state.epoch, 1)
    granularity = next(iter(chip.arrays.values())).granularity
    return Programming(
        scheme=network.technology.synapse.programming.scheme,
        granularity=granularity,
        granularity_of_w_max=granularity / chip.mapping.bounds[1],
        pulses_per_weight_per_epoch=float(pulses.sum()) / weights / epochs,
        reads_per_weight_per_epoch=float(reads.sum()) / chip.mapping.devices / weights / epochs,
        writes_per_device_mean=float(pulses.mean()),
        writes_per_device_most=int(pulses.max()),
        pulses_per_update=float(pulses.sum()) / epochs / n_batches,
        reads_per_update=float(reads.sum()) / epochs / n_batches,
        change_cosine=_change_cosine(chip, state),
        saturated=_saturated(chip, state),
    )


def _change_cosine(chip: Chip, state: State) -> float | None:
    nothing = np.zeros(1)
    asked, made = (
        np.concatenate([state.devices.get(f"{name}/{what}", nothing).ravel() for name in chip.shapes])
        for what in (ASKED, MADE)
    )
    size = float(np.linalg.norm(asked) * np.linalg.norm(made))
    return float(asked @ made) / size if size else None


def _counts(chip: Chip, state: State, what: str) -> np.ndarray:
    """Return how often each device was pulsed or read; those of a fast array beside it are counted as its own."""
    counts = []
    for name, shape in chip.shapes.items():
        count = np.zeros(shape)
        for key, value in state.devices.items():
            if key.startswith(f"{name}/") and key.endswith(f"/{what}"):
                count = count + value
        counts.append(count.ravel())
    return np.concatenate(counts)


def _saturated(chip: Chip, state: State) -> float:
    low, high = chip.hardware.g_min, chip.hardware.g_max
    if high is None or not isinstance(chip.synapse.update, Pulsed):
        return 0.0
    g = np.concatenate([state.devices[name].ravel() for name in chip.shapes])
    place = (g - low) / (high - low)
    return float(np.mean((place < NEAR) | (place > 1 - NEAR)))
