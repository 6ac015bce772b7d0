"""The state of a simulation between phases: how it is reset, saved, restored, copied and shifted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .assembly import Assembly
from .population import Population

Array = np.ndarray
TIMES = ("lastspike", "not_refractory")
"""Variables that hold times, which mean nothing in another phase."""


@dataclass(frozen=True)
class Resume:
    """A saved state, with everything that a later phase needs to go on from it.

    Parameters
    ----------
    timestep
        Number of steps since the start of the free phase.
    arrays
        For each population, its variables by name: (batch x units,).
    natives
        For each native projection, its variables and the spikes that are still on their way.
    inputs
        The inputs of the phase as they were given, (m, n_input).
    values
        What clamped layers send, by layer: (m, n).
    """

    timestep: int
    arrays: list[dict[str, Array]]
    natives: list[Any]
    inputs: Array
    values: Mapping[str, Array]


def rest(assembly: Assembly, rng: np.random.Generator) -> None:
    """Set all units to their start values, and drop spikes that are still on their way."""
    for population in assembly.populations:
        population.reset(rng)
    for native in assembly.natives:
        native.reset()


def save(assembly: Assembly, timestep: int, inputs: Array, values: Mapping[str, Array]) -> Resume:
    """Return a copy of the state of all objects."""
    arrays = [{name: array.copy() for name, array in p.state_arrays.items()} for p in assembly.populations]
    return Resume(timestep, arrays, [native.save() for native in assembly.natives], inputs, values)


def restore(assembly: Assembly, saved: Resume) -> None:
    """Set all objects to a saved state."""
    for population, arrays in zip(assembly.populations, saved.arrays, strict=True):
        for name, array in arrays.items():
            population.state_arrays[name][:] = array
    for native, state in zip(assembly.natives, saved.natives, strict=True):
        native.restore(state)


def rows(assembly: Assembly, saved: Resume, samples: int) -> dict[str, Array]:
    """Return the variables of the first samples, by layer and name, without the times of spikes: (samples, n) each."""
    arrays = dict(zip(map(id, assembly.populations), saved.arrays, strict=True))
    return {
        f"{layer}/{name}": population.rows(arrays[id(population)][name], layer)[:samples].copy()
        for population, layer, name in persisting(assembly)
    }


def blank(assembly: Assembly, samples: int) -> dict[str, Array]:
    """Return arrays for the same variables, filled with zeros."""
    return {
        f"{layer}/{name}": np.zeros((samples, population.layers[layer]), population.state_arrays[name].dtype)
        for population, layer, name in persisting(assembly)
    }


def persisting(assembly: Assembly) -> list[tuple[Population, str, str]]:
    """Return the variables that mean something in a later phase of the same sample: population, layer and name."""
    return [
        (population, layer, name)
        for population in assembly.populations
        for layer in population.layers
        for name in population.state_arrays
        if name not in TIMES
    ]


def placed(assembly: Assembly, kept: Mapping[str, Array], which: Array, rng: np.random.Generator) -> Resume:
    """Return a state at rest, except that the samples in `which`, (samples,) booleans, have the variables `kept`."""
    rest(assembly, rng)
    for population in assembly.populations:
        for layer in population.layers:
            for name, array in population.state_arrays.items():
                if f"{layer}/{name}" in kept:
                    population.rows(array, layer)[: len(which)][which] = kept[f"{layer}/{name}"][which]
    return save(assembly, 0, np.empty(0), {})


def spread(assembly: Assembly, saved: Resume, sample: int, shifts: Mapping[str, Array]) -> Resume:
    """Return a saved state that holds copies of one sample, each with its states shifted.

    Parameters
    ----------
    assembly
        The Brian2 objects of the network.
    saved
        The saved state that holds the sample.
    sample
        Index of the sample.
    shifts
        By layer: what is added to the states of each copy, (copies, n).
    """
    arrays = []
    for population, kept in zip(assembly.populations, saved.arrays, strict=True):
        copies = {name: array.copy() for name, array in kept.items()}
        for layer in population.layers:
            for name, array in copies.items():
                rows = population.rows(array, layer)
                rows[:] = rows[sample].copy()
                if name == population.model.state and layer in shifts:
                    rows[: len(shifts[layer])] += shifts[layer]
        arrays.append(copies)
    return replace(saved, arrays=arrays, inputs=np.empty(0))
