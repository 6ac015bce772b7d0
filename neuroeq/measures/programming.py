"""What the programming of devices took: pulses and reads, from the counts that a run keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from neuroeq.describe.spec import Hardware, Network
from neuroeq.describe.spec.device import Pulsed
from neuroeq.learning.state import State
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.devices import PULSES, READS, ROUNDS, Chip
from neuroeq.physics.devices.array import DeviceArray
from neuroeq.randomness import Streams

from .parts import added, times

NEAR = 0.01
"""The part of the window at either end in which a device counts as saturated."""


@dataclass(frozen=True)
class Programming:
    """What programming took in a training, and how coarse it is.

    Parameters
    ----------
    scheme
        The programming scheme that brought changes into the devices; all of them, where arrays differ.
    granularity
        The change of a weight that one pulse is worth on average, or that programming can resolve; where arrays
        differ, that of the array in which it is the largest fraction of the largest weight.
    granularity_of_w_max
        The same as a fraction of the largest weight.
    pulses_per_weight_per_epoch, reads_per_weight_per_epoch
        Programming pulses, or writes of a conductance, and reads of the scheme, over weights and epochs. Copies of a
        weight, as at the places of a convolution, count as one.
    writes_per_device_mean, writes_per_device_most
        Pulses that a device got in the whole training, on average and at most: the endurance used.
    pulses_per_update, reads_per_update
        Pulses and reads of all devices together, all copies included, in one update.
    write_energy_per_update
        Energy of these pulses; None if it is not given [J].
    write_time_per_update, read_rounds_per_update
        How long pulses take in one update, None if it is not given [s], and how many reads follow each other: the most
        of any array, each of which is programmed row by row, with all devices of a row at once.
    change_cosine
        Cosine between the changes of the weights that were asked for, summed over the training, and those that devices
        made; None if none was asked for.
    saturated
        Fraction of the devices whose conductance is within 1 % of an end of the window.
    arrays
        The same of each projection with its biases, where some array has hardware of its own. Arrays that hold exactly
        what is written are left out, and count for the energy only.
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
    write_energy_per_update: float | None
    write_time_per_update: float | None
    read_rounds_per_update: float
    change_cosine: float | None
    saturated: float
    arrays: dict[str, Programming] = field(default_factory=dict)


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
    chip = WeightStore.of(network, state, streams).chip
    if chip is None:
        return None
    inexact = [name for name, array in chip.arrays.items() if not array.plain]
    whole = _of(chip, inexact, list(chip.arrays), state, n_batches)
    if not network.own_arrays:
        return whole
    of = {array: [name for name in inexact if network.home(name) == array] for array in network.projections}
    arrays = {array: _of(chip, names, names, state, n_batches) for array, names in of.items() if names}
    return replace(whole, arrays=arrays)


def _of(chip: Chip, names: Sequence[str], written: Sequence[str], state: State, n_batches: int) -> Programming:
    """Return what programming took in some arrays, and what writing cost in those that were `written`."""
    updates = max(state.epoch, 1) * n_batches
    hardware = {name: chip.arrays[name].hardware for name in written}
    counts = {name: [_counts(chip, name, state, what) for what in (PULSES, READS)] for name in written}
    sent, read = ({name: _of_all(chip, name, counts[name][i]) / updates for name in written} for i in (0, 1))
    rounds = {name: _rounds(name, state, PULSES) / updates for name in written}
    pulses = [counts[name][0] for name in names]
    reads_of_weights = sum(float(counts[name][1].sum()) / len(counts[name][1]) for name in names)
    weights = sum(int(np.prod(chip.shapes[name][1:])) for name in names)
    devices = sum(_of_all(chip, name, np.ones(chip.shapes[name])) for name in names)
    epochs = max(state.epoch, 1)
    coarsest = max((chip.arrays[name] for name in names), key=_relative_granularity)
    return Programming(
        scheme=", ".join(dict.fromkeys(chip.arrays[name].synapse.programming.scheme for name in names)),
        granularity=coarsest.granularity,
        granularity_of_w_max=_relative_granularity(coarsest),
        pulses_per_weight_per_epoch=sum(float(each.sum()) for each in pulses) / weights / epochs,
        reads_per_weight_per_epoch=reads_of_weights / weights / epochs,
        writes_per_device_mean=sum(sent[name] for name in names) * updates / devices,
        writes_per_device_most=int(max(each.max() for each in pulses)),
        pulses_per_update=sum(sent[name] for name in names),
        reads_per_update=sum(read[name] for name in names),
        write_energy_per_update=writing_energy(hardware, sent),
        write_time_per_update=writing_time(hardware, rounds),
        read_rounds_per_update=max(_rounds(name, state, READS) for name in names) / epochs / n_batches,
        change_cosine=_change_cosine(chip, names, state),
        saturated=_saturated(chip, names, state),
    )


def writing_energy(arrays: Mapping[str, Hardware], pulses: Mapping[str, float]) -> float | None:
    """Return the energy of pulses into arrays; None if it is not given [J]."""
    by_cost: dict[float | None, float] = {}
    for name, number in pulses.items():
        cost = arrays[name].periphery.write_energy
        by_cost[cost] = by_cost.get(cost, 0.0) + number
    return added(times(number, cost) for cost, number in by_cost.items())


def writing_time(arrays: Mapping[str, Hardware], rounds: Mapping[str, float]) -> float | None:
    """Return how long pulses into arrays take that are programmed at the same time; None if it is not given [s]."""
    needed = [times(number, arrays[name].periphery.write_time) for name, number in rounds.items()]
    return None if None in needed else max(each for each in needed if each is not None)


def _rounds(name: str, state: State, what: str) -> float:
    """Return how many pulses or reads of an array, and of a fast array beside it, have followed each other."""
    keys = (key for key in state.devices if key.startswith(f"{name}/") and key.endswith(f"/{ROUNDS[what]}"))
    return float(sum(int(state.devices[key]) for key in keys))


def _relative_granularity(array: DeviceArray) -> float:
    return array.granularity / array.mapping.bounds[1]


def _change_cosine(chip: Chip, names: Sequence[str], state: State) -> float | None:
    changes = [chip.changes(state.devices, name) for name in names]
    asked, made = (np.concatenate([change.ravel() for change in each]) for each in zip(*changes, strict=True))
    size = float(np.linalg.norm(asked) * np.linalg.norm(made))
    return float(asked @ made) / size if size else None


def _of_all(chip: Chip, name: str, count: np.ndarray) -> float:
    """Return the sum of a count over all devices of an array, whose copies are programmed and read alike."""
    return float((chip.copies[name] * count).sum())


def _counts(chip: Chip, name: str, state: State, what: str) -> np.ndarray:
    """Return how often each device was pulsed or read; those of a fast array beside it are counted as its own."""
    count = np.zeros(chip.shapes[name])
    for key, value in state.devices.items():
        if key.startswith(f"{name}/") and key.endswith(f"/{what}"):
            count = count + value
    return count


def _saturated(chip: Chip, names: Sequence[str], state: State) -> float:
    places, copies = [], []
    for name in names:
        low, high = chip.arrays[name].hardware.g_min, chip.arrays[name].hardware.g_max
        if high is not None and isinstance(chip.arrays[name].law, Pulsed):
            places.append((state.devices[name].ravel() - low) / (high - low))
            copies.append(np.broadcast_to(chip.copies[name], chip.shapes[name]).ravel())
    if not places:
        return 0.0
    place = np.concatenate(places)
    return float(np.average((place < NEAR) | (place > 1 - NEAR), weights=np.concatenate(copies)))
