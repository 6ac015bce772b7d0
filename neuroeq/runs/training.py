"""Train a network and store the run; `neuroeq.train` and the command line call this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from neuroeq.data import OWN, Examples, Source, data_folder, from_arrays, located
from neuroeq.describe.catalog import resolve
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.errors import SpecError
from neuroeq.physics.engine import use_target

from .interruption import interruptible, interrupting
from .progress import shown
from .records import DATA_FILE, MemoryRecords, RunFolder, check_same, choose
from .result import concluded
from .run import Run
from .session import AfterEpoch, Callback, Progress, begun
from .start import path_of


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
    threads: int | None = None,
    target: str | None = None,
    start_from: Run | str | Path | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    data: Sequence[Any] | Examples | None = None,
    keep: bool = True,
    progress: Progress | bool | None = None,
    callback: Callback | None = None,
    after_epoch: AfterEpoch | None = None,
    patience_s: float = 0.0,
    before_write: Callable[[], None] | None = None,
    alike: int = 1,
) -> Run:
    """Train a network, evaluate it, and store everything in a run folder.

    Parameters
    ----------
    network
        A network, or the name or path of one.
    substrate
        ``"rate"``, ``"spiking"``, ``"oscillator"``, ``"crossbar"`` or ``"resistive"``; the first one in the network's
        file if left out.
    seed
        Seed of start weights, the order of the examples, start values and noise; 0, or that of a run's description, if
        left out.
    epochs
        Number of epochs, instead of the network's own.
    settings
        Changes to the network, such as ``"phases.beta=0.5"``.
    hardware
        The name or path of the hardware of a circuit; if left out, what the network's file says, or ``"unbounded"``.
    ideal
        Parts of the hardware to idealise: window, devices, diodes, amplifiers, wires, array, periphery, nudge or
        oscillators.
    data_dir
        The folder that holds data sets; ``$NEUROEQ_DATA`` if left out.
    engine
        ``"stepper"``; ``"compiled"``, C++ that learns many batches at a time, for rates, spikes and crossbars, and
        their default where there is a compiler and it saves more time than it takes; ``"reference"`` for Brian2's
        `Network.run`; or for a resistor network ``"operating_point"`` (its default), which solves Kirchhoff's laws.
    threads
        Number of threads that the compiled trainer shares large layers among, 1 if left out; it changes no result.
    target
        What Brian2 compiles equations to: ``"cython"``, ``"numpy"``, or ``"auto"``.
    start_from
        A run, or its folder, whose weights training starts from, instead of drawn ones; its layers and projections are
        the same. Devices are programmed with them anew, and optimisers begin with no velocity.
    out
        The run folder; if left out, a new one under ``runs``.
    resume
        Whether to resume the run in `out` from its checkpoint.
    data
        Examples to train on instead of the network's data set: ``(X, y)`` or ``(X, y, X_test, y_test)``, with inputs
        (n, d), or images (n, height, width) or (n, channels, height, width), and classes, integers or texts, (n,), or
        with ``data.targets = "values"`` real numbers, (n,) or (n, n_output). They are split as ``[data]`` of the
        network says, and kept as data.npz. Or `Examples`, such as those of another network, with their test part, as
        batches hold them.
    keep
        Whether to keep the run in a folder; without one, the run that is returned holds everything in memory.
    progress
        True for a bar of progress, in a notebook or on stderr. Or a function that is called as ``progress(step, row)``
        each time batches have been learned; `row` holds the metrics of the epoch if it is complete, or else is None.
    callback
        A function that is called as ``callback(step, state)`` each time batches have been learned. The state holds the
        parameters and is changed in place, so copy what you want to keep.
    after_epoch
        A function that is called after each epoch as ``after_epoch(row, state)``, with the row of metrics.csv; the
        training ends if it returns True.
    patience_s
        How long to wait for another process that writes into the run folder [s].
    before_write
        A function that is called before a file of the run folder is written, and raises an error if none may be.
    alike
        The number of trainings of this network, with other seeds, that share what is compiled, which pays sooner then.

    Returns
    -------
    Run

    Raises
    ------
    NeuroeqError
        If something in the files, the data or the options is not allowed, or a network diverges.
    Interrupted
        After Ctrl-C, SIGTERM or SIGHUP, with a checkpoint saved if training had begun.
    """
    changes = [*settings, *([{"training": {"epochs": epochs}}] if epochs is not None else [])]
    changes.append({"run": _options(seed, engine, threads, data_dir, start_from)})
    source, about_data = _given(data)
    changes.append({"data": about_data})
    resolved = resolve(network, substrate, changes, hardware, ideal)
    resolved = resolved if source is not None else with_data_found(resolved)
    records = _records(out, resolved, resume, keep)
    if source is not None:
        resolved.read_from(records.path / "run.toml", resolved.where)
    if isinstance(records, RunFolder):
        records.before_write = before_write
    with records.held(resume, patience_s), threadpool_limits(1), shown(progress) as show:
        with interrupting(records.path if resume else None):
            session = begun(records, resolved, use_target(target), source, alike)
        with interruptible(records.path) as stop:
            session.train(show, callback, stop, after_epoch)
        with interrupting(records.path):
            return concluded(session)


def _given(data: Sequence[Any] | Examples | None) -> tuple[Source | None, dict[str, Any]]:
    """Return the examples that a user gave, and what ``[data]`` says of them: those of batches are scaled already."""
    if data is None:
        return None, {}
    if isinstance(data, Examples):
        return from_arrays(data.arrays()), {"name": DATA_FILE, "offset": 0.0, "scale": 1.0, "normalise": "none"}
    return from_arrays(data), {"name": DATA_FILE}


def with_data_found(network: Network, data_dir: str | None = None) -> Network:
    """Return a network that names its file of examples by its whole path, which is valid from everywhere.

    Parameters
    ----------
    network
        The network, with the file that it was read from.
    data_dir
        The folder of data sets; the network's own if left out.

    Raises
    ------
    DataError
        If there is no such file.
    """
    if not network.data.name.endswith(OWN):
        return network
    found = located(network.data.name, data_folder(data_dir or network.run.data_dir), network.path)
    return network.model_copy(update={"data": network.data.model_copy(update={"name": str(found.resolve())})})


def _records(out: str | Path | None, network: Network, resume: bool, keep: bool) -> RunFolder | MemoryRecords:
    """Return the records of a run: a folder, or memory if it is not kept."""
    if not keep:
        if out is not None or resume:
            raise SpecError("keep is False, so there is no folder; leave 'out' and 'resume' out.")
        return MemoryRecords()
    folder = choose(out, network, resume)
    if resume:
        check_same(folder, network)
    return folder


def _options(
    seed: int | None,
    engine: str | None,
    threads: int | None,
    data_dir: str | Path | None,
    start_from: Run | str | Path | None,
) -> Table:
    options = {
        "seed": seed,
        "engine": engine,
        "threads": threads,
        "data_dir": data_dir and str(Path(data_dir).resolve()),
        "start_from": None if start_from is None else path_of(start_from),
    }
    return {key: value for key, value in options.items() if value is not None}
