"""The training loop, as a generator of steps; its caller decides when to stop, and what to show and store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from neuroeq.contract import Params, Substrate, Wired
from neuroeq.data import Epoch, Examples
from neuroeq.data.coding import Coding
from neuroeq.describe.network import initial_params
from neuroeq.describe.spec import Network
from neuroeq.randomness import Streams

from .costs import cost_of
from .history import WeightHistory
from .monitor import TrainingMonitor
from .state import State, Step, Tally
from .trainers import choose, start
from .trainers.contract import Batches, Outcome, Setup
from .weight_store import WeightStore

Array = np.ndarray


def initial_state(network: Network, streams: Streams, start: Params | None = None) -> State:
    """Return the state before the first batch, with the parameters `start`, or drawn ones if there are none."""
    if start:
        return State({name: value.copy() for name, value in start.items()}, start=start)
    return State(initial_params(network, streams.child("init")))


def train(
    substrate: Substrate, examples: Examples, state: State, streams: Streams, trainer: str | None = None
) -> Iterator[Step]:
    """Train to the last epoch; yield whenever the trainer has learned some batches, with `state` up to date.

    It ends earlier once the caller has set `stopped_at` of the state, at the end of an epoch.

    Parameters
    ----------
    substrate
        The substrate that learns.
    examples
        The examples; their training part is learned.
    state
        The state of the training, which is updated in place.
    streams
        Random numbers of the run.
    trainer
        Name of the trainer, such as ``"stepwise"``. If left out, it is that of the state, or else the one
        that `choose` returns, which compiles nothing unless the network asks for it.

    Raises
    ------
    DivergenceError
        If the state of a layer grows without bound.
    SpecError
        If the trainer that is named does not allow the network, or beta is beyond the stability margin of a network
        that nothing bounds.
    """
    network, part = substrate.network, examples.train
    epochs, size = network.training.epochs, network.training.batch_size
    n_batches, monitor = network.training.n_batches(len(part)), TrainingMonitor(substrate)
    state.trainer = choose(network, epochs * len(part), trainer=trainer or state.trainer).trainer
    learner = start(state.trainer, Setup(substrate, state, streams, len(part), monitor))
    state.params = learner.params
    history = WeightHistory(network, state, streams, n_batches)
    with _approximated(substrate, state) as wired:
        while state.epoch < epochs and state.stopped_at is None:
            _calibrate(substrate, examples, state, streams)
            learned = Epoch(examples, network, streams, state.epoch)
            for batch in range(state.batch, n_batches, learner.chunk):
                cpu, wall = time.process_time(), time.perf_counter()
                history.before(batch, learner.chunk)
                places = (batch * size, (batch + learner.chunk) * size)
                inputs, labels, wanted = learned.batch(*places)
                outcome = learner.learn(Batches(inputs, wanted, learned.order[slice(*places)], state.epoch, batch))
                state.params = learner.params
                loss, error = _add(state.tally, network, examples.coding, outcome, wanted, labels)
                state.batch = min(batch + learner.chunk, n_batches)
                if ends_epoch := state.batch == n_batches:
                    row = state.tally.row(examples.coding, part.labels)
                    monitor.saturation(row)
                    monitor.settling(row)
                    if wired is not None:
                        state.wire_error = max(wired.check(), state.wire_error or 0.0)
                    if state.epoch + 1 == epochs:
                        history.sample(float(epochs))
                state.cpu_s += time.process_time() - cpu
                state.wall_s += time.perf_counter() - wall
                place = (state.epoch, epochs, state.batch - 1, n_batches)
                yield Step(*place, len(labels), loss, error, ends_epoch)
            state.epoch, state.batch, state.tally = state.epoch + 1, 0, Tally()
            if state.stopped_at is not None:
                history.sample(float(state.epoch))


def calibrate(substrate: Substrate, examples: Examples, rng: np.random.Generator) -> dict[str, float]:
    """Return the full scales of converters that are calibrated, found by training samples; nothing for others [V].

    Parameters
    ----------
    substrate
        The substrate, with the parameters to find them with.
    examples
        The examples; the first ones of their training part are seen.
    rng
        Random numbers of the free phases.
    """
    converters, network = substrate.as_calibrated(), substrate.network
    if converters is None:
        return {}
    samples = slice(0, network.technology.periphery.calibration_samples)
    return converters.calibrate(examples.batch(examples.train, samples, network)[0], rng)


@contextmanager
def _approximated(substrate: Substrate, state: State) -> Iterator[Wired | None]:
    """Approximate the wires of a substrate's arrays for a while, where it has such."""
    wired = substrate.as_wired()
    if wired is None:
        yield None
        return
    wired.start(state.wire_error)
    try:
        yield wired
    finally:
        wired.stop()


def recall(substrate: Substrate, state: State) -> None:
    """Give the converters of a substrate the full scales that a training has found for them last."""
    converters = substrate.as_calibrated()
    if converters is not None:
        converters.full_scales = state.full_scales


def _calibrate(substrate: Substrate, examples: Examples, state: State, streams: Streams) -> None:
    """Find the full scales of converters that are calibrated before an epoch; within it, they stay."""
    if substrate.as_calibrated() is None:
        return
    if state.batch:
        recall(substrate, state)
        return
    substrate.hold(WeightStore.of(substrate.network, state, streams).held)
    state.full_scales = calibrate(substrate, examples, streams.child("calibration", state.epoch))


def _add(
    tally: Tally, network: Network, coding: Coding, outcome: Outcome, wanted: Array, labels: Array
) -> tuple[float, float]:
    """Add the outcome of some batches to the tally; return their mean loss and error."""
    loss = float(cost_of(network.phases).value(outcome.outputs, wanted).sum())
    misses = coding.misses(outcome.outputs, labels)
    tally.examples += len(labels)
    tally.misses = (misses + np.asarray(tally.misses) if len(tally.misses) else misses).tolist()
    tally.loss += loss
    tally.edges = outcome.edges
    tally.add(outcome.free)
    return loss / len(labels), coding.figures(misses, labels)[coding.measure]
