"""The records of a run as arrays with an axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from neuroeq.describe.params import param_shapes
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError, unknown_name
from neuroeq.learning.history import sampled
from neuroeq.randomness import Streams

from .records.recorded import Segment, check_recorded, read_segments, recorded_sample

Array = np.ndarray


class Spikes(NamedTuple):
    """The spikes of a layer in response to one sample.

    Parameters
    ----------
    t
        When they are, from the start of the free phase: (n_spikes,) [s].
    unit
        The number of the unit of each: (n_spikes,).
    """

    t: Array
    unit: Array


class States(NamedTuple):
    """The states of a layer while one sample settles.

    Parameters
    ----------
    t
        Times, from the start of the free phase: (n_steps,) [s].
    values
        The states at these times: (n_steps, n_units).
    unit
        The numbers of the units: (n_units,).
    dimension
        The unit that states are in, as text, such as ``"V"``, or ``"1"``.
    """

    t: Array
    values: Array
    unit: Array
    dimension: str


class Weights(NamedTuple):
    """Some weights of a projection over training.

    Parameters
    ----------
    epoch
        Times, in epochs: (n,); a single number where one time was asked for.
    values
        The weights at these times: (n, n_synapses), or (n_synapses,).
    synapse
        Which weights these are, as places in ``run.params[projection]``: (n_synapses, 2), or 4 for kernels.
    """

    epoch: Any
    values: Array
    synapse: Array


class Recorded(Protocol):
    """A run with its records."""

    @property
    def path(self) -> Any:
        """The folder, as messages show it."""

    @property
    def network(self) -> Network:
        """The resolved network."""

    @property
    def folder(self) -> Any:
        """The records."""


def spikes_of(run: Recorded, sample: int, layer: str, when: str) -> Spikes:
    """Return the spikes of a layer in all phases of a recorded sample, sorted by time.

    Raises
    ------
    SpecError
        If the sample, or spikes of the layer, are not recorded.
    """
    phases = read_segments(run.folder, when)
    recorded_sample(run.folder, sample)
    if layer not in phases[0].spikes:
        known = ", ".join(phases[0].spikes) or "none"
        raise SpecError(f"{run.path}: no spikes of layer '{layer}' are recorded; those of these layers are: {known}.")
    return gathered_spikes(phases, sample, layer)


def gathered_spikes(phases: Sequence[Segment], sample: int, layer: str) -> Spikes:
    """Return the spikes of a layer in phases that follow each other, for one of their samples, sorted by time."""
    parts = [phase.spikes[layer] for phase in phases]
    t, of, unit = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((unit[of == sample], t[of == sample]))
    return Spikes(t[of == sample][order], unit[of == sample][order])


def states_of(run: Recorded, sample: int, layer: str, variable: str | None, when: str) -> States:
    """Return the states of a layer in all phases of a recorded sample.

    Raises
    ------
    SpecError
        If the sample, the layer or the variable is not recorded.
    """
    phases = read_segments(run.folder, when)
    check_recorded(run.folder, phases, layer, sample)
    known, model = phases[0].states[layer], run.network.neuron(layer)
    name = variable or (model.state if model is not None and model.state in known else next(iter(known)))
    if name not in known:
        raise unknown_name(f"variable of layer '{layer}'", name, known, f"Recorded are: {', '.join(known)}.")
    return gathered_states(phases, sample, layer, name)


def gathered_states(phases: Sequence[Segment], sample: int, layer: str, name: str) -> States:
    """Return a variable of a layer in phases that follow each other, for one of their samples."""
    values = np.concatenate([phase.states[layer][name][:, sample] for phase in phases])
    t = np.concatenate([phase.t for phase in phases])
    return States(t, values, phases[0].recorded[layer], phases[0].units[name])


def weights_of(run: Recorded, projection: str, epoch: float | None) -> Weights:
    """Return the weights of some synapses at all times when they were sampled, or at the last one until an epoch.

    Raises
    ------
    SpecError
        If there is no such projection, or the epoch was not trained.
    """
    with run.folder.traces() as file:
        at, names = file["weights"]["at"][:], [name for name in file["weights"] if name != "at"]
        if projection not in names:
            raise unknown_name("projection", projection, names, f"There are: {', '.join(names)}.")
        history = file["weights"][projection][:]
    chosen = sampled(run.network, Streams(run.network.run.seed))[projection]
    synapse = np.stack(np.unravel_index(chosen, param_shapes(run.network)[projection]), axis=1)
    if epoch is None:
        return Weights(at, history, synapse)
    if not at[0] <= epoch <= at[-1]:
        raise SpecError(f"{run.path}: epoch {epoch:g} was not trained; expected one from 0 to {at[-1]:g}.")
    row = int(np.searchsorted(at, epoch + 1e-9)) - 1
    return Weights(float(at[row]), history[row], synapse)
