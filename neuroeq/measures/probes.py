"""Measurements at the end of a run: recorded phases of a few samples, and on circuits the account of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroeq.contract import Substrate
from neuroeq.data import Examples
from neuroeq.data.choice import in_turn
from neuroeq.describe.network import with_full_scales
from neuroeq.describe.spec import Network
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Trial
from neuroeq.learning.state import State
from neuroeq.learning.training import initial_state
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.engine import Recording
from neuroeq.physics.substrates import at_operating_point, build, engine_of
from neuroeq.randomness import Streams

from .account import Account, account
from .programming import Programming

PROBE_SAMPLES = 2
"""The number of samples whose spikes and states are recorded."""


def probes(network: Network, state: State, examples: Examples, streams: Streams) -> dict[str, Recording]:
    """Record the phases of a few samples, with the weights before training and with those after it."""
    part = next(part for part in (examples.test, examples.validation, examples.train) if part is not None)
    which = np.sort(in_turn(np.asarray(part.labels), most_of_each=1))[:PROBE_SAMPLES]
    inputs, _, wanted = examples.batch(part, which, network)
    options: dict[str, Any] = {"engine": "stepper", "target": "numpy", "deferred": False, "monitored": len(inputs)}
    network = with_full_scales(at_operating_point(network), state.full_scales)
    options["engine"] = engine_of(network)
    probe = build(network, state.params, len(inputs), **options)
    recordings = {}
    for when, of in (("before", initial_state(network, streams, state.start)), ("after", state)):
        probe.hold(WeightStore.of(network, of, streams).held)
        chosen = nudges(network.phases, streams.child("probe", 0))
        recordings[when] = probe.record(Trial.of(probe, inputs, wanted, chosen, streams.child("probe", 1)))
    return recordings


def account_of(
    substrate: Substrate, state: State, examples: Examples, streams: Streams, took: Programming | None = None
) -> Account | None:
    """Return what a circuit costs on a batch of training examples; None if the substrate is no circuit."""
    circuit = substrate.as_circuit()
    if circuit is None:
        return None
    circuit.hold(WeightStore.of(circuit.network, state, streams).held)
    inputs, _, wanted = examples.batch(examples.train, slice(0, circuit.network.training.batch_size), circuit.network)
    return account(circuit, inputs, wanted, streams, took)
