"""What a finished run is looked at with: recorded phases of a few samples, and on circuits the energy of a batch."""

from __future__ import annotations

import numpy as np

from neuroeq.data import Examples
from neuroeq.data.examples import Part
from neuroeq.describe.spec import Network
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Lesson, contrastive, in_situ
from neuroeq.learning.state import State
from neuroeq.learning.training import initial_state
from neuroeq.physics.engine import Recording
from neuroeq.physics.substrates import (
    AnySubstrate,
    Crossbar,
    Resistive,
    ResistiveInTime,
    at_operating_point,
    build,
    engine_of,
)
from neuroeq.randomness import Streams

from .energy import Energy, account

PROBE_SAMPLES = 2
"""Samples whose spikes and states are kept."""


def probes(network: Network, state: State, examples: Examples, streams: Streams) -> dict[str, Recording]:
    """Record the phases of a few samples, with the weights before and after training."""
    part = next(part for part in (examples.test, examples.validation, examples.train) if part is not None)
    inputs, _, wanted = examples.batch(part, _one_of_each(part), network)
    how = {"engine": "stepper", "target": "numpy", "deferred": False, "monitored": len(inputs)}
    network = at_operating_point(network)
    how["engine"] = engine_of(network)
    probe = build(network, state.params, len(inputs), **how)
    recordings = {}
    for when, params in (("before", initial_state(network, streams).params), ("after", state.params)):
        probe.params = params
        recordings[when] = _record(probe, inputs, wanted, streams)
    return recordings


def _record(probe: AnySubstrate, inputs: np.ndarray, wanted: np.ndarray, streams: Streams) -> Recording:
    """Record the phases of one update; those of operating points as the circuit would settle."""
    record = Recording()
    chosen = nudges(probe.network.phases, streams.child("probe", 0))
    lesson = Lesson.of(probe, inputs, wanted, chosen, streams.child("probe", 1), record=record)
    if not isinstance(probe, Resistive):
        in_situ(probe, lesson)
        return record
    update = contrastive(probe, lesson)
    record.phases.append(probe.settle(update.free, None, "free"))
    for (beta, _), end in zip(chosen, update.nudged, strict=True):
        record.phases.append(probe.settle(end, update.free, f"nudged {beta:+g}", len(record.phases[0].t) // 2))
    return record


def _one_of_each(part: Part) -> np.ndarray:
    """Return the first examples of different classes."""
    _, first = np.unique(np.asarray(part.labels), return_index=True)
    return np.sort(first)[:PROBE_SAMPLES]


def energy_of(substrate: AnySubstrate, state: State, examples: Examples, streams: Streams) -> Energy | None:
    """Return what a circuit spends on a batch of the training examples."""
    if isinstance(substrate, ResistiveInTime):
        substrate = Resistive(at_operating_point(substrate.network), state.params, substrate.batch)
    if not isinstance(substrate, Crossbar | Resistive):
        return None
    network = substrate.network
    substrate.params = state.params
    inputs, _, wanted = examples.batch(examples.train, slice(0, network.training.batch_size), network)
    return account(substrate, inputs, wanted, streams)
