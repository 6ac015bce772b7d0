"""Measurements at the end of a run: recorded phases of a few samples, and on circuits the account of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuroeq.contract import Substrate
from neuroeq.data import Examples
from neuroeq.data.choice import in_turn
from neuroeq.describe.network import with_full_scales
from neuroeq.describe.selection import selected
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Trial
from neuroeq.learning.state import State
from neuroeq.learning.training import initial_state
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.engine import Recording
from neuroeq.physics.engine.recording import Phase
from neuroeq.physics.substrates import at_operating_point, build, engine_of
from neuroeq.randomness import Streams

from .account import Account, account
from .programming import Programming

Array = np.ndarray
PARTS = ("test", "validation", "train")
"""Where recorded samples are from: the first of these parts that the protocol has."""


@dataclass(frozen=True)
class Probes:
    """The recorded phases of a few samples.

    Parameters
    ----------
    recordings
        The phases, with the weights ``"before"`` and ``"after"`` training.
    part
        The part of the data that the samples are from.
    index, labels
        The place of each sample in that part, (n,), and the number of its class, (n,), or its values, (n, n_output).
    predictions
        The same as labels by the recorded free phases, where these are known, by the time of recording; -1 stands for
        the class of silent outputs.
    classes
        The user's label of each class; nothing if labels are values.
    units
        The numbers of the recorded units, of layers of which not all are: (n,).
    """

    recordings: dict[str, Recording]
    part: str
    index: Array
    labels: Array
    predictions: dict[str, Array]
    classes: tuple[Any, ...]
    units: dict[str, Array]


def probes(network: Network, state: State, examples: Examples, streams: Streams) -> Probes:
    """Record the phases of a few samples, with the weights before training and with those after it.

    Raises
    ------
    SpecError
        If the data lack the samples that the network asks for.
    """
    name, which = probed(network, examples)
    inputs, labels, wanted = examples.batch(getattr(examples, name), which, network)
    options: dict[str, Any] = {"engine": "stepper", "target": "numpy", "deferred": False, "monitored": len(inputs)}
    resolved = with_full_scales(at_operating_point(network), state.full_scales)
    options["engine"] = engine_of(resolved)
    probe = build(resolved, state.params, len(inputs), **options)
    chosen = {
        layer: selected(units, network.layers[layer].size, layer) for layer, units in network.record.layers.items()
    }
    recordings, predicted = {}, {}
    for when, of in (("before", initial_state(resolved, streams, state.start)), ("after", state)):
        probe.hold(WeightStore.of(resolved, of, streams).held)
        nudged = nudges(resolved.phases, streams.child("probe", 0))
        whole = probe.record(Trial.of(probe, inputs, wanted, nudged, streams.child("probe", 1)))
        if whole.outputs is not None:
            predicted[when] = examples.coding.labels(whole.outputs)
        recordings[when] = (
            Recording([_only(phase, chosen) for phase in whole.phases], whole.outputs) if chosen else whole
        )
    return Probes(recordings, name, which, np.asarray(labels), predicted, examples.coding.names, chosen)


def probed(network: Network, examples: Examples) -> tuple[str, Array]:
    """Return the part that recorded samples are from, and their places in it.

    Raises
    ------
    SpecError
        If there is no such part, or it lacks samples that the network asks for.
    """
    asked = network.record
    known = [name for name in PARTS if getattr(examples, name) is not None]
    name = asked.part or known[0]
    if name not in known:
        raise SpecError(
            f"{network.where}: record.part is '{name}', and the data have none; expected {' or '.join(known)}."
        )
    labels = np.asarray(getattr(examples, name).labels)
    if asked.index:
        if max(asked.index) >= len(labels):
            raise SpecError(
                f"{network.where}: record.index is {max(asked.index)}; the {name} part has examples 0 to "
                f"{len(labels) - 1}."
            )
        return name, np.array(asked.index)
    if asked.label is not None:
        names = np.array(examples.coding.names, str)
        which = np.flatnonzero(np.isin(labels, np.flatnonzero(names == asked.label)))[: asked.how_many]
        if not len(which):
            raise SpecError(f"{network.where}: record.class is {asked.label}; the {name} part has no example of it.")
        return name, which
    of_each = -(-asked.how_many // len(np.unique(labels)))
    return name, np.sort(in_turn(labels, most_of_each=of_each))[: asked.how_many]


def _only(phase: Phase, chosen: Mapping[str, Array]) -> Phase:
    """Return a phase with some layers, and with some units of each."""
    states = {
        layer: {name: values[:, :, chosen[layer]] for name, values in variables.items()}
        for layer, variables in phase.states.items()
        if layer in chosen
    }
    spikes = {}
    for layer, (times, samples, units) in phase.spikes.items():
        if layer in chosen:
            seen = np.isin(units, chosen[layer])
            spikes[layer] = (times[seen], samples[seen], units[seen])
    return replace(phase, states=states, spikes=spikes)


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
