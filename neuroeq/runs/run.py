"""Train and keep: the loop with its records, what `neuroeq.train` and the command line call."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from neuroeq.data import Examples, load
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import feedback_angles
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.errors import DivergenceError, SpecError
from neuroeq.learning.trainers.compiled import on_engine, prepare, with_engine
from neuroeq.learning.trainers.fused import compile_ahead, fusible
from neuroeq.learning.training import State, Step, initial_state
from neuroeq.learning.training import train as train_steps
from neuroeq.learning.weight_store import WeightStore
from neuroeq.measures.evaluation import evaluate
from neuroeq.measures.probes import energy_of, probes
from neuroeq.physics.engine import use_target
from neuroeq.physics.substrates import AnySubstrate, Crossbar, build, engine_of
from neuroeq.randomness import Streams

from .interruption import Interrupted, interruptible
from .records import RunFolder, check_same, choose, versions

EVALUATION_BATCH = 120
"""Samples that are evaluated side by side."""
SAVE_EVERY_S = 60.0
"""Longest time between two checkpoints. [s]"""

Progress = Callable[[Step, "dict[str, float] | None"], None]


@dataclass(frozen=True)
class Run:
    """A finished run.

    Parameters
    ----------
    path
        Its folder.
    network
        Resolved.
    result
        What result.json holds.
    """

    path: Path
    network: Network
    result: dict[str, Any]

    @property
    def folder(self) -> RunFolder:
        """Its files."""
        return RunFolder(self.path)

    @property
    def train_error(self) -> float:
        """Fraction of training examples in the wrong class, over the last epoch."""
        return self.result["train_error"]

    @property
    def validation_error(self) -> float | None:
        """Fraction of validation examples in the wrong class; None if there were none."""
        return self.result["validation_error"]

    @property
    def test_error(self) -> float | None:
        """Fraction of test examples in the wrong class; None if the protocol left them alone."""
        return self.result["test_error"]

    @property
    def metrics(self) -> list[dict[str, float]]:
        """A row an epoch."""
        return self.folder.metrics()


def load_run(path: str | Path) -> Run:
    """Open a finished run.

    Raises
    ------
    SpecError
        If the folder holds none.
    """
    if not Path(path).is_dir():
        raise SpecError(f"no run folder '{path}'; `neuroeq run NETWORK` makes one and says where.")
    folder = RunFolder(Path(path))
    return Run(folder.path, folder.description(), folder.result())


def train(
    network: Network | str | Path,
    substrate: str | None = None,
    *,
    seed: int | None = None,
    epochs: int | None = None,
    settings: Sequence[str | Table] = (),
    hardware: str | None = None,
    ideal: Sequence[str] = (),
    data_dir: str | Path | None = None,
    engine: str | None = None,
    target: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train a network, evaluate it, and keep everything in a run folder.

    Parameters
    ----------
    network
        A network, or its name or path.
    substrate
        ``"rate"``, ``"spiking"``, ``"crossbar"`` or ``"resistive"``; the first of the network's file if left out.
    seed
        Of start weights, the order of the examples, start values and noise; 0, or that of a run's description, if left
        out.
    epochs
        Instead of the network's.
    settings
        Changes to the network, such as ``"phases.beta=0.5"``.
    hardware
        What a circuit is made of, by name or path; if left out, what the network's file says, or ``"unbounded"``.
    ideal
        Parts of the hardware to idealise: window, diodes, amplifiers, wires.
    data_dir
        The folder that holds data sets; ``$NEUROEQ_DATA`` if left out.
    engine
        ``"stepper"``; ``"compiled"``, C++ that learns many batches at a time, for rate and spiking networks, and their
        default for trainings of 200,000 samples and more where there is a compiler; ``"reference"`` for Brian2's
        `Network.run`; or of a resistor network ``"operating_point"`` (its default), which solves Kirchhoff's laws.
    target
        ``"cython"``, ``"numpy"``, or ``"auto"``.
    out
        The run folder; if left out, a new one under ``runs``.
    resume
        Go on with the run in `out`, from its checkpoint.
    progress
        Called after every batch, with the epoch's metrics at its end.

    Returns
    -------
    Run

    Raises
    ------
    NeuroeqError
        If something in the files, the data or the options is not allowed, or a network diverges.
    Interrupted
        After Ctrl-C, with a checkpoint saved.
    """
    changes = [*settings, *([{"training": {"epochs": epochs}}] if epochs is not None else [])]
    changes.append({"run": _options(seed, engine, data_dir)})
    resolved = resolve(network, substrate, changes, hardware, ideal)
    folder = choose(out, resolved, resume)
    if resume:
        check_same(folder, resolved)
    with threadpool_limits(1), interruptible() as interrupted:
        return _run(folder, resolved, use_target(target), progress, interrupted)


def _options(seed: int | None, engine: str | None, data_dir: str | Path | None) -> Table:
    given = {"seed": seed, "engine": engine, "data_dir": data_dir and str(data_dir)}
    return {key: value for key, value in given.items() if value is not None}


def _run(
    folder: RunFolder,
    network: Network,
    target: str,
    progress: Progress | None,
    interrupted: threading.Event,
) -> Run:
    asked, options = network, network.run
    streams = Streams(options.seed)
    examples = load(network, Path(options.data_dir) if options.data_dir else None)
    fresh = not (folder.path / "checkpoint.npz").exists()
    state = initial_state(network, streams) if fresh else folder.load()
    before = _cpu(children=True)
    if fresh:
        network = with_engine(network, network.training.epochs * len(examples.train), target)
        state.engine = network.run.engine
    elif options.engine is None:
        network = on_engine(network, state.engine)
    prepare(network)
    how = {"engine": engine_of(network), "target": target}
    substrate = build(network, state.params, network.training.batch_size, **how)
    judge = build(network, state.params, EVALUATION_BATCH, plastic=False, **how)
    if fusible(network):
        compile_ahead(network, network.training.epochs * len(examples.train))
    compile_s = _cpu(children=True) - before
    if fresh:
        folder.describe(asked)
        folder.save(state)
    eval_s = _train(folder, substrate, judge, examples, state, streams, progress, interrupted)

    before = _cpu()
    stop = judge.stop(judge.network.phases.free)
    judge.params = WeightStore(network, state.params, state.devices, streams).effective(streams.child("read test"))
    tested = examples.test and evaluate(judge, examples.test, examples.n_classes, stop, streams, "test", 0)
    eval_s += _cpu() - before
    rows = folder.metrics()
    folder.write_traces(state, probes(network, state, examples, streams))
    last, energy = rows[-1], energy_of(substrate, state, examples, streams)
    result = {
        "network": network.name,
        "substrate": network.substrate_name,
        "hardware": network.hardware and network.hardware.name,
        "seed": options.seed,
        "precision": network.physics.precision,
        "epochs": network.training.epochs,
        "train_error": last["train_error"],
        "validation_error": last.get("validation_error"),
        "test_error": tested.error if tested else None,
        "loss": last["train_loss"],
        "residual": last["residual"],
        "wall_s": state.wall_s,
        "cpu_s": state.cpu_s,
        "compile_s": compile_s,
        "eval_s": eval_s,
        "samples_per_s": network.training.epochs * len(examples.train) / state.wall_s,
        "gradient_cosine": None,
        "spikes_per_inference": (tested.spikes if tested else last["spikes"]) if substrate.spiking else None,
        "energy_per_inference_J": energy and sum(energy.inference.values()),
        "energy_per_update_J": energy and sum(energy.update.values()),
        "energy": energy and asdict(energy),
        "mapping": substrate.mapping() if isinstance(substrate, Crossbar) else None,
        "engine": engine_of(network),
        "target": target,
        "versions": versions(),
    }
    folder.write_result(result)
    return Run(folder.path, asked, result)


def _train(
    folder: RunFolder,
    substrate: AnySubstrate,
    judge: AnySubstrate,
    examples: Examples,
    state: State,
    streams: Streams,
    progress: Progress | None,
    interrupted: threading.Event,
) -> float:
    """Train to the end, write metrics and checkpoints; return the CPU time of evaluation [s]."""
    network, eval_s, saved = substrate.network, 0.0, time.monotonic()
    done = state.epoch + (state.batch > 0 and state.batch * network.training.batch_size >= len(examples.train))
    rows = [row for row in folder.metrics() if row["epoch"] <= done]
    stop = judge.stop(network.phases.free)
    for step in train_steps(substrate, examples, state, streams):
        row = None
        if step.ends_epoch:
            before = _cpu()
            row = {"epoch": step.epoch + 1, **state.tally.mean()}
            angles = feedback_angles(network, state.params)
            row |= {f"angle_{name}": angle for name, angle in angles.items()}
            if examples.validation is not None:
                reading = streams.child("read validation", step.epoch)
                judge.params = WeightStore(network, state.params, state.devices, streams).effective(reading)
                score = evaluate(
                    judge, examples.validation, examples.n_classes, stop, streams, "validation", step.epoch
                )
                row |= {"validation_error": score.error, "validation_loss": score.loss}
            row |= {"cpu_s": state.cpu_s, "wall_s": state.wall_s}
            eval_s += _cpu() - before
            rows.append(row)
            folder.write_metrics(rows)
        if step.ends_epoch or interrupted.is_set() or time.monotonic() - saved > SAVE_EVERY_S:
            folder.save(state)
            saved = time.monotonic()
        if progress is not None:
            progress(step, row)
        if interrupted.is_set():
            raise Interrupted(folder.path)
    if not all(np.isfinite(value).all() for value in state.params.values()):
        raise DivergenceError(
            f"network '{network.name}': weights are not finite after training; try smaller learning rates."
        )
    return eval_s


def _cpu(children: bool = False) -> float:
    """Return the CPU time of this process so far, with its children's if asked for [s]."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    used = own.ru_utime + own.ru_stime
    if children:
        theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
        used += theirs.ru_utime + theirs.ru_stime
    return used
