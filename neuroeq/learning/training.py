"""The training loop, as a generator of steps: stopping, showing and storing stay outside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from neuroeq.contract import Equilibrium, Params
from neuroeq.data import Examples
from neuroeq.data.examples import predictions
from neuroeq.describe.network import initial_params, mask
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.network import Engine
from neuroeq.physics.substrates import AnySubstrate
from neuroeq.randomness import Streams

from .costs import cost_of
from .learner import Learner
from .monitor import TrainingMonitor
from .optimiser import Descent
from .trainers.compiled import Compiled
from .trainers.fused import Fused, fusible
from .weight_store import WeightStore

Array = np.ndarray
CHUNK, CHUNK_SAMPLES = 64, 4096
"""Batches that a fused training learns from at a time, and examples at most."""
HISTORY_POINTS = 200
"""Weight samples over a whole training."""
HISTORY_SYNAPSES = 16
"""Synapses of each projection that are sampled."""


@dataclass
class Tally:
    """Sums over the batches of the current epoch."""

    examples: int = 0
    wrong: int = 0
    loss: float = 0.0
    spikes: float = 0.0
    residual: float = 0.0
    steps: int = 0
    moving: dict[str, float] = field(default_factory=dict)
    top: dict[str, float] = field(default_factory=dict)
    edges: int | None = None

    def mean(self) -> dict[str, float]:
        """Return what an epoch's row of the metrics holds."""
        n = max(self.examples, 1)
        row = {"train_error": self.wrong / n, "train_loss": self.loss / n, "residual": self.residual / n}
        row |= {"free_steps": self.steps / n, "spikes": self.spikes / n}
        row |= {} if self.edges is None else {"edges": self.edges}
        row |= {f"moving_{layer}": value / n for layer, value in self.moving.items()}
        return row | {f"top_{layer}": value / n for layer, value in self.top.items()}


@dataclass
class State:
    """Where training stands, between two batches: all that a resumed run needs.

    Parameters
    ----------
    params, velocity
        Of the synapses and the optimiser.
    devices
        What the devices of a circuit hold, where they differ from the parameters.
    particles
        The last free states of the training examples, where they persist.
    epoch, batch
        The next batch to train, from 0.
    tally
        Of the current epoch.
    history
        By projection: weights of some synapses, one row a sample, (n, n_synapses).
    history_at
        When, in epochs: (n,).
    cpu_s, wall_s
        Spent on training so far. [s]
    engine
        What trains, if it was chosen as the training began.
    """

    params: Params
    velocity: Params = field(default_factory=dict)
    devices: dict[str, Array] = field(default_factory=dict)
    particles: dict[str, Array] = field(default_factory=dict)
    epoch: int = 0
    batch: int = 0
    tally: Tally = field(default_factory=Tally)
    history: dict[str, list[Array]] = field(default_factory=dict)
    history_at: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    wall_s: float = 0.0
    engine: Engine | None = None


@dataclass(frozen=True)
class Step:
    """One batch.

    Parameters
    ----------
    epoch, n_epochs, batch, n_batches
        Which, from 0, of how many.
    examples
        In the batch.
    loss, error
        Of its free phase, before the update.
    ends_epoch
        Whether the epoch is complete.
    """

    epoch: int
    n_epochs: int
    batch: int
    n_batches: int
    examples: int
    loss: float
    error: float
    ends_epoch: bool


def initial_state(network: Network, streams: Streams) -> State:
    """Return the state before the first batch."""
    return State(initial_params(network, streams.child("init")))


def train(
    substrate: AnySubstrate, examples: Examples, state: State, streams: Streams, fuse: bool = True
) -> Iterator[Step]:
    """Train from `state` on, which always holds where training stands; yield after every batch, or many if fused.

    Parameters
    ----------
    substrate
        That learns.
    examples
        That it learns from.
    state
        Where training stands; moved on.
    streams
        Of random numbers.
    fuse
        Whether a circuit that may, learns many batches at a time, by the same numbers.

    Raises
    ------
    DivergenceError
        If the state of a layer grows without bound.
    SpecError
        If beta is beyond the stability margin of a network that nothing bounds.
    """
    network, part = substrate.network, examples.train
    descent = Descent(network)
    descent.velocity = state.velocity
    size = network.training.batch_size
    n_batches = -(-len(part) // size)
    sampled = _sampled(network, state, streams)
    every = max(1, network.training.epochs * n_batches // HISTORY_POINTS)
    monitor = TrainingMonitor(substrate)
    store = WeightStore(network, state.params, state.devices, streams)
    state.params = store.params
    fused: Fused | Compiled | None = None
    if network.run.engine == "compiled":
        fused = Compiled(substrate, state.params, streams)
    elif fuse and store.chip is None and fusible(network):
        fused = Fused(network, state.params, network.training.epochs * len(part))
    chunk = 1 if fused is None else max(1, min(CHUNK, CHUNK_SAMPLES // size))
    learner = Learner(substrate, descent, store, streams, len(part), state.particles)
    while state.epoch < network.training.epochs:
        order = streams.child("data", state.epoch).permutation(len(part))
        for batch in range(state.batch, n_batches, chunk):
            cpu, wall = time.process_time(), time.perf_counter()
            if (state.epoch * n_batches + batch) % every < chunk:
                _sample(state, sampled, state.epoch + batch / n_batches)
            which = order[batch * size : (batch + chunk) * size]
            inputs, labels, wanted = examples.batch(part, which, network)
            if fused is not None:
                if batch == 0:
                    rng = streams.child("state", state.epoch, 0)
                    free = substrate.relax(inputs[:size], stop=substrate.stop(network.phases.free), rng=rng)
                    monitor.margin(free, state.epoch)
                    _look(state.tally, substrate, free, len(part))
                outputs = fused.learn(inputs, wanted, descent.factor(state.epoch), state.epoch, batch)
                substrate.params = state.params = fused.params
            else:
                update = learner.learn(inputs, wanted, which, state.epoch, batch)
                state.params, state.tally.edges = store.params, learner.edges
                if batch == 0:
                    monitor.margin(update.free, state.epoch)
                outputs = update.free.outputs
                _look(state.tally, substrate, update.free, len(labels))
            loss, wrong = _count(state.tally, network, outputs, wanted, labels)
            state.batch = min(batch + chunk, n_batches)
            if ends_epoch := state.batch == n_batches:
                monitor.saturation(state.tally.mean())
                monitor.settling(state.tally.mean())
                if state.epoch + 1 == network.training.epochs:
                    _sample(state, sampled, float(state.epoch + 1))
            state.cpu_s += time.process_time() - cpu
            state.wall_s += time.perf_counter() - wall
            place = (state.epoch, network.training.epochs, state.batch - 1, n_batches)
            yield Step(*place, len(labels), loss, wrong / len(labels), ends_epoch)
        state.epoch, state.batch, state.tally = state.epoch + 1, 0, Tally()


def _count(tally: Tally, network: Network, outputs: Array, wanted: Array, labels: Array) -> tuple[float, int]:
    """Add what free outputs say to the tally; return their mean loss and the number of errors."""
    loss = float(cost_of(network.phases).value(outputs, wanted).sum())
    wrong = int((predictions(outputs, network.data.targets) != labels).sum())
    tally.examples += len(labels)
    tally.wrong += wrong
    tally.loss += loss
    return loss / len(labels), wrong


def _look(tally: Tally, substrate: AnySubstrate, free: Equilibrium, n: int) -> None:
    """Add how a free phase went to the tally, as that of n examples."""
    tally.spikes += (free.spikes or 0.0) * n
    tally.residual += free.residual * n
    tally.steps += free.n_steps * n
    for layer, (moving, top) in substrate.saturation(free).items():
        tally.moving[layer] = tally.moving.get(layer, 0.0) + moving * n
        tally.top[layer] = tally.top.get(layer, 0.0) + top * n


def _sampled(network: Network, state: State, streams: Streams) -> dict[str, Array]:
    """Choose the synapses whose weights are followed: among those that exist."""
    rng = streams.child("history")
    chosen = {}
    for name in network.projections:
        connected = mask(network, name)
        existing = np.arange(state.params[name].size) if connected is None else np.flatnonzero(connected)
        chosen[name] = np.sort(rng.choice(existing, min(HISTORY_SYNAPSES, len(existing)), replace=False))
    return chosen


def _sample(state: State, sampled: dict[str, Array], at: float) -> None:
    state.history_at.append(at)
    for name, which in sampled.items():
        state.history.setdefault(name, []).append(state.params[name].ravel()[which].copy())
