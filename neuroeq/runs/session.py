"""A run in progress: its substrates, examples and state, and the loop that writes metrics and checkpoints."""

from __future__ import annotations

import resource
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuroeq.contract import Substrate
from neuroeq.data import Examples, Part, Source, examples_of, load
from neuroeq.describe.operators import feedback_angles
from neuroeq.describe.spec import Network
from neuroeq.errors import DivergenceError, NeuroeqWarning
from neuroeq.learning.patience import exhausted
from neuroeq.learning.state import State, Step
from neuroeq.learning.trainers import prepare
from neuroeq.learning.training import initial_state, recall, train
from neuroeq.learning.weight_store import WeightStore
from neuroeq.measures.evaluation import Score, evaluate
from neuroeq.measures.probes import probed
from neuroeq.physics.substrates import build, engine_of
from neuroeq.randomness import Streams

from .interruption import Interrupted, Stop
from .records import MemoryRecords, RunFolder
from .run import EVALUATION_BATCH
from .start import starting_params

SAVE_EVERY_S = 60.0
"""The longest time between two checkpoints [s]."""
SAVE_SELDOM_S = 0.1
"""The shortest time between two checkpoints after an epoch, but for the last one [s]."""
SYNC_EVERY_S = 2.0
"""The shortest time between two checkpoints that wait for the disk, but for the last one [s]."""

Progress = Callable[[Step, "dict[str, float] | None"], None]
Callback = Callable[[Step, State], None]
Row = dict[str, float]
AfterEpoch = Callable[[Row, State], "bool | None"]


@dataclass
class Session:
    """A run in progress.

    Parameters
    ----------
    folder
        The records of the run, in a folder or in memory.
    network
        The resolved network, with the options of the run.
    target
        What Brian2 compiles equations to: ``"cython"`` or ``"numpy"``.
    examples
        The data, in its parts.
    state
        The state of the training.
    streams
        Random numbers of the run.
    substrate
        The substrate that is trained.
    evaluator
        A substrate of the same network for evaluation: without plasticity, and for larger batches.
    compile_s
        The CPU time of preparing the run, which is mostly compiling [s].
    eval_s
        The CPU time spent on evaluation so far [s].
    """

    folder: RunFolder | MemoryRecords
    network: Network
    target: str
    examples: Examples
    state: State
    streams: Streams
    substrate: Substrate
    evaluator: Substrate
    compile_s: float
    eval_s: float = 0.0
    _saved: float = field(default_factory=time.monotonic)
    _synced: float = field(default_factory=time.monotonic)

    @property
    def samples(self) -> int:
        """The number of samples of the whole training: examples times epochs."""
        return self.epochs * len(self.examples.train)

    @property
    def epochs(self) -> int:
        """The number of epochs of the training, which may have ended early."""
        return self.state.stopped_at or self.network.training.epochs

    def train(
        self, progress: Progress | None, callback: Callback | None, stop: Stop, after_epoch: AfterEpoch | None = None
    ) -> None:
        """Train to the end, and write metrics and checkpoints.

        Parameters
        ----------
        progress, callback
            Functions that are called each time batches have been learned: ``progress(step, row)`` with the metrics of
            the epoch if it is complete, and ``callback(step, state)``.
        stop
            The event that is set when the user, or the batch system, asks to stop.
        after_epoch
            A function that is called after each epoch as ``after_epoch(row, state)``, and ends training by True.

        Raises
        ------
        DivergenceError
            If weights are not finite after training.
        Interrupted
            If the user asked to stop; the state is saved.
        """
        try:
            self._train(progress, callback, stop, after_epoch)
        finally:
            self.folder.sync()
        if stop.is_set():
            raise Interrupted(self.folder.path, stop.number)
        if not all(np.isfinite(value).all() for value in self.state.params.values()):
            raise DivergenceError(
                f"network '{self.network.name}': weights are not finite after training; try smaller learning rates."
            )

    def _train(
        self, progress: Progress | None, callback: Callback | None, stop: Stop, after_epoch: AfterEpoch | None
    ) -> None:
        rows = self._rows()
        for step in train(self.substrate, self.examples, self.state, self.streams):
            row, stopping = None, stop.is_set()
            if step.ends_epoch:
                row = self._row(step.epoch)
                rows.append(row)
                self._end_early(rows, step, after_epoch)
            ended = self.state.stopped_at is not None
            if not ended and (stopping or self._due(step)):
                self._save(rows)
            if progress is not None:
                progress(step, row)
            if callback is not None:
                callback(step, self.state)
            if stopping and not ended:
                break
        if self.state.stopped_at is not None:
            self._save(rows)

    def _end_early(self, rows: list[Row], step: Step, after_epoch: AfterEpoch | None) -> None:
        """Let the training end after an epoch if the user says so, or patience is exhausted."""
        asked = after_epoch is not None and after_epoch(rows[-1], self.state) is True
        ends = asked or exhausted(rows, self.network.training.patience)
        if ends and step.epoch + 1 < step.n_epochs:
            self.state.stopped_at = step.epoch + 1

    def _due(self, step: Step) -> bool:
        """Whether it is time for a checkpoint."""
        since = time.monotonic() - self._saved
        last = step.ends_epoch and step.epoch + 1 == step.n_epochs
        return last or since > (SAVE_SELDOM_S if step.ends_epoch else SAVE_EVERY_S)

    def _save(self, rows: list[Row]) -> None:
        """Write metrics and the checkpoint."""
        sync = time.monotonic() - self._synced > SYNC_EVERY_S
        if rows:
            self.folder.write_metrics(rows, sync)
        self.folder.save(self.state, sync)
        self._saved = time.monotonic()
        if sync:
            self._synced = self._saved

    def score(self, part: Part, name: str, epoch: int | None = None) -> Score:
        """Evaluate the weights on a part of the examples.

        Parameters
        ----------
        part
            The examples to evaluate the weights on.
        name
            The name of the part, by which random numbers are drawn.
        epoch
            The number of the epoch, if the part is evaluated after each one.
        """
        reading = self.streams.child(f"read {name}", *(() if epoch is None else (epoch,)))
        store = WeightStore.of(self.network, self.state, self.streams)
        self.evaluator.hold(store.effective(reading))
        recall(self.evaluator, self.state)
        stop = self.evaluator.stop(self.evaluator.network.phases.free)
        return evaluate(self.evaluator, part, self.examples.coding, stop, self.streams, name, epoch or 0)

    def _rows(self) -> list[Row]:
        """Return the metrics of the complete epochs, which a resumed run keeps."""
        state, n = self.state, len(self.examples.train)
        done = state.epoch + (state.batch > 0 and state.batch * self.network.training.batch_size >= n)
        rows = [row for row in self.folder.metrics() if row["epoch"] <= done]
        if len(rows) < done:
            absent = sorted(set(range(1, done + 1)) - {row["epoch"] for row in rows})
            warnings.warn(
                f"{self.folder.path}: metrics.csv lacks {len(absent)} of {done} epochs that are trained already; their "
                "rows stay out of it.",
                NeuroeqWarning,
                stacklevel=2,
            )
        return rows

    def _row(self, epoch: int) -> Row:
        """Return the metrics of an epoch that was just completed, with the validation error."""
        before = cpu_seconds()
        row: Row = {"epoch": epoch + 1, **self.state.tally.row(self.examples.coding, self.examples.train.labels)}
        angles = feedback_angles(self.network, self.state.params)
        row |= {f"angle_{name}": angle for name, angle in angles.items()}
        if self.examples.validation is not None:
            score = self.score(self.examples.validation, "validation", epoch)
            row |= {**score.named("validation"), "validation_loss": score.loss}
        row |= {"cpu_s": self.state.cpu_s, "wall_s": self.state.wall_s}
        self.eval_s += cpu_seconds() - before
        return row


def begun(
    folder: RunFolder | MemoryRecords, network: Network, target: str, source: Source | None = None, alike: int = 1
) -> Session:
    """Start a run, or resume it from its checkpoint, and compile what it is trained with.

    Parameters
    ----------
    folder
        The records of the run; a new run is described and saved there.
    network
        The resolved network, with the options of the run.
    target
        What Brian2 compiles equations to: ``"cython"`` or ``"numpy"``.
    source
        The user's own examples, which are stored with the run; None for those of the network's data set.
    alike
        The number of such trainings, as for `prepare`.

    Raises
    ------
    NeuroeqError
        If the data cannot be read, or no trainer or substrate allows the network.
    """
    streams = Streams(network.run.seed)
    fresh = not folder.begun
    examples = load(network, network.run.data_dir) if source is None else examples_of(network, source)
    probed(network, examples)  # what cannot be recorded is said before training, and not after it
    state = initial_state(network, streams, starting_params(network)) if fresh else folder.load(go_on=True)
    before = cpu_seconds(children=True)
    samples = network.training.epochs * len(examples.train)
    state.trainer = prepare(network, samples, target, state.trainer, alike)
    options: dict[str, Any] = {"engine": engine_of(network), "target": target}
    substrate = build(network, state.params, network.training.batch_size, **options)
    evaluator = build(network, state.params, EVALUATION_BATCH, plastic=False, **options)
    recall(substrate, state)
    compile_s = cpu_seconds(children=True) - before
    if fresh:
        folder.describe(network)
        if source is not None:
            folder.write_data(source)
        folder.save(state)
    return Session(folder, network, target, examples, state, streams, substrate, evaluator, compile_s)


def cpu_seconds(children: bool = False) -> float:
    """Return the CPU time of this process so far, and that of its children if `children` is true [s]."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    used = own.ru_utime + own.ru_stime
    if children:
        theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
        used += theirs.ru_utime + theirs.ru_stime
    return used
