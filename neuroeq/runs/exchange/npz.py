"""A run as arrays of NumPy in one file: parameters, weights over training, and spikes and states of recorded samples.

Names of arrays are paths, such as ``after/0/states/hidden/s``; docs/exchange.md says what each one holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import gathered_spikes, gathered_states
from ..records.folder import versions
from ..records.recorded import Segment, read_samples, read_segments, recorded_times
from ..run import Run

Array = np.ndarray
LAYOUT = 1
"""The version of the layout, which changes when a name or a shape does."""


def write(run: Run, file: Path) -> dict[str, Any]:
    """Write the arrays of a run, and return how many there are."""
    arrays = dict(_arrays(run))
    with file.open("wb") as opened:
        np.savez_compressed(opened, allow_pickle=False, **arrays)
    return {"arrays": len(arrays)}


def _arrays(run: Run) -> Iterator[tuple[str, Array]]:
    """Yield the name and the content of every array."""
    records = {when: read_segments(run.folder, when) for when in recorded_times(run.folder)}
    yield "about", np.array(json.dumps(_about(run, list(records.values())), indent=1))
    for name, value in run.params.items():
        yield f"params/{name}", value
    for name in run.network.projections:
        for field, value in run.weights(name)._asdict().items():
            yield f"weights/{name}/{field}", value
    yield from _samples(run)
    n_samples = len(read_samples(run.folder))
    for when, phases in records.items():
        yield f"{when}/t", np.concatenate([phase.t for phase in phases])
        yield f"{when}/phase", np.array([phase.name for phase in phases])
        yield f"{when}/start", np.array([phase.start for phase in phases])
        yield f"{when}/end", np.array([phase.end for phase in phases])
        for layer, units in phases[0].recorded.items():
            yield f"{when}/units/{layer}", units
        for sample in range(n_samples):
            for name, value in _responses(phases, sample):
                yield f"{when}/{sample}/{name}", value


def _about(run: Run, records: list[list[Segment]]) -> dict[str, Any]:
    """Return what the file is about, and the unit of each recorded variable."""
    network = run.network
    return {
        "layout": LAYOUT,
        "network": network.name,
        "title": network.title,
        "substrate": network.substrate_name,
        "seed": network.run.seed,
        "layers": {name: layer.size for name, layer in network.layers.items()},
        "projections": {name: [each.source, each.target] for name, each in network.projections.items()},
        "units": {name: unit for phases in records for phase in phases for name, unit in phase.units.items()},
        "versions": versions(),
    }


def _samples(run: Run) -> Iterator[tuple[str, Array]]:
    """Yield which samples are recorded, with their classes or values, and what the network predicted."""
    with run.folder.traces() as file:
        if "samples" not in file:  # a run of an early version
            return
        group = file["samples"]
        yield "samples/part", np.array(group.attrs["part"])
        for name in ("index", "label"):
            yield f"samples/{name}", group[name][:]
        for when, predicted in group.get("prediction", {}).items():
            yield f"samples/prediction/{when}", predicted[:]
    if run.classes is not None:
        yield "samples/classes", np.array(run.classes)


def _responses(phases: list[Segment], sample: int) -> Iterator[tuple[str, Array]]:
    """Yield the spikes and states of all layers in response to a sample."""
    for layer in phases[0].spikes:
        for field, value in gathered_spikes(phases, sample, layer)._asdict().items():
            yield f"spikes/{layer}/{field}", value
    for layer, variables in phases[0].states.items():
        for name in variables:
            yield f"states/{layer}/{name}", gathered_states(phases, sample, layer, name).values
