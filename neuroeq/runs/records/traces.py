"""The file traces.h5: weights over training, and recorded phases and voltages of a few samples, all with units."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO

import h5py
import numpy as np

from neuroeq.learning.state import State
from neuroeq.measures.probes import Probes
from neuroeq.physics.engine import Recording
from neuroeq.physics.engine.recording import Phase

Array = np.ndarray
Volts = Mapping[str, Mapping[str, Array]]
"""Voltages by kind and layer: (batch, n). [V]"""


def traces_bytes(state: State, probes: Probes, inference: Volts) -> bytes:
    """Return the content of traces.h5, made in memory, since HDF5 does not survive a disk that is full.

    Parameters
    ----------
    state
        The state after training, which holds the weights over training.
    probes
        The recorded phases of a few samples, before and after training.
    inference
        On a circuit, the voltages that the energy of an inference is computed from, by kind and layer: ``"v"`` of
        nodes, and ``"driving"`` of what drives arrays, (batch, n) [V].
    """
    content = BytesIO()
    with h5py.File(content, "w", libver="latest") as file:
        weights = file.create_group("weights")
        _dataset(weights, "at", np.array(state.history_at), "epoch")
        for name, rows in state.history.items():
            _dataset(weights, name, np.array(rows), "1")
        _write_samples(file, probes)
        for when, recording in probes.recordings.items():
            for index, phase in enumerate(recording.phases):
                _write_phase(file.create_group(f"probe/{when}/{index}"), phase)
        for kind, layers in inference.items():
            for layer, volts in layers.items():
                _dataset(file, f"inference/{kind}/{layer}", volts, "V")
    return content.getvalue()


def read_traces(file: h5py.File) -> dict[str, Recording]:
    """Return the recorded phases of an open file, by the time of recording."""
    recordings = {}
    for when, phases in file["probe"].items():
        recordings[when] = Recording([_read_phase(phases[index]) for index in sorted(phases, key=int)])
    return recordings


def _read_phase(group: h5py.Group) -> Phase:
    states: dict[str, dict[str, Array]] = {}
    units: dict[str, str] = {}
    for layer, variables in group.get("states", {}).items():
        states[layer] = {variable: dataset[()] for variable, dataset in variables.items()}
        units |= {variable: dataset.attrs["unit"] for variable, dataset in variables.items()}
    spikes = {
        layer: (arrays["t"][()], arrays["sample"][()], arrays["unit"][()])
        for layer, arrays in group.get("spikes", {}).items()
    }
    changes = group.get("change", {})
    change = {name: dataset[()] for name, dataset in changes.items()}
    chosen = {name: dataset.attrs["synapses"] for name, dataset in changes.items()}
    return Phase(group.attrs["name"], group["t"][()], states, spikes, change, chosen, units)


def _write_samples(file: h5py.File, probes: Probes) -> None:
    """Write which samples and which units are recorded."""
    samples = file.create_group("samples")
    samples.attrs["part"] = probes.part
    if probes.classes:
        samples.attrs["classes"] = json.dumps(probes.classes)
    _dataset(samples, "index", probes.index, "")
    _dataset(samples, "label", probes.labels, "")
    for when, predicted in probes.predictions.items():
        _dataset(samples, f"prediction/{when}", predicted, "")
    for layer, units in probes.units.items():
        _dataset(file, f"units/{layer}", units, "")


def _write_phase(group: h5py.Group, phase: Phase) -> None:
    group.attrs["name"] = phase.name
    _dataset(group, "t", phase.t, "s")
    for layer, variables in phase.states.items():
        for variable, values in variables.items():
            _dataset(group, f"states/{layer}/{variable}", values, phase.units[variable])
    for layer, (times, samples, units) in phase.spikes.items():
        _dataset(group, f"spikes/{layer}/t", times, "s")
        _dataset(group, f"spikes/{layer}/sample", samples, "")
        _dataset(group, f"spikes/{layer}/unit", units, "")
    for name, values in phase.change.items():
        _dataset(group, f"change/{name}", values, "1").attrs["synapses"] = phase.chosen[name]


def _dataset(group: h5py.Group, name: str, values: Array, unit: str) -> h5py.Dataset:
    checked = {"fletcher32": True} if values.ndim and values.size else {}  # a checksum, so that damage is seen
    dataset = group.create_dataset(name, data=values, **checked)
    dataset.attrs["unit"] = unit
    return dataset
