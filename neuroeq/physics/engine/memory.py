"""The state of a simulation between phases: rest, saved and restored, copied and shifted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .assembly import Assembly

Array = np.ndarray
TIMES = ("lastspike", "not_refractory")
"""Variables that mean something at the time of their phase only."""


@dataclass(frozen=True)
class Resume:
    """Everything a later phase needs to go on from here.

    Parameters
    ----------
    timestep
        Since the start of the free phase.
    arrays
        Of each population, by variable.
    natives
        Of each native projection.
    inputs, values
        The clamped batch: as given, and by layer.
    """

    timestep: int
    arrays: list[dict[str, Array]]
    natives: list[Any]
    inputs: Array
    values: Mapping[str, Array]


def rest(assembly: Assembly, rng: np.random.Generator) -> None:
    """Put all units at their start values, and forget spikes on their way."""
    for population in assembly.populations:
        population.reset(rng)
    for native in assembly.natives:
        native.reset()


def save(assembly: Assembly, timestep: int, inputs: Array, values: Mapping[str, Array]) -> Resume:
    """Return a copy of the state."""
    arrays = [{name: array.copy() for name, array in p.state_arrays.items()} for p in assembly.populations]
    return Resume(timestep, arrays, [native.save() for native in assembly.natives], inputs, values)


def restore(assembly: Assembly, saved: Resume) -> None:
    """Go back to a saved state."""
    for population, arrays in zip(assembly.populations, saved.arrays, strict=True):
        for name, array in arrays.items():
            population.state_arrays[name][:] = array
    for native, state in zip(assembly.natives, saved.natives, strict=True):
        native.restore(state)


def rows(assembly: Assembly, saved: Resume, samples: int) -> dict[str, Array]:
    """Return the variables of the first samples, by layer and name: (samples, n); without the times of spikes."""
    return {
        f"{layer}/{name}": population.rows(array, layer)[:samples].copy()
        for population, arrays in zip(assembly.populations, saved.arrays, strict=True)
        for layer in population.layers
        for name, array in arrays.items()
        if name not in TIMES
    }


def placed(assembly: Assembly, kept: Mapping[str, Array], which: Array, rng: np.random.Generator) -> Resume:
    """Return rest, but for the samples `which`, (samples,) booleans, that have kept variables: (samples, n)."""
    rest(assembly, rng)
    for population in assembly.populations:
        for layer in population.layers:
            for name, array in population.state_arrays.items():
                if f"{layer}/{name}" in kept:
                    population.rows(array, layer)[: len(which)][which] = kept[f"{layer}/{name}"][which]
    return save(assembly, 0, np.empty(0), {})


def spread(assembly: Assembly, saved: Resume, sample: int, shifts: Mapping[str, Array]) -> Resume:
    """Return a state in which copies of one sample differ by shifts of their states.

    Parameters
    ----------
    assembly
        The objects.
    saved
        Where the copies are taken from.
    sample
        Which.
    shifts
        By layer: (copies, n).
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
