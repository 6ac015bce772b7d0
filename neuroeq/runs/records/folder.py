"""A run on disk: its description (run.toml), its checkpoint (checkpoint.npz) and its results.

Every file is written under another name first and then renamed, so that a reader, or a run that resumes after a crash,
finds either the old or the new file and never half of one. Not every checkpoint waits for the disk; the one before it
that is kept always has, in case the power goes.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import shlex
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import tomli_w

from neuroeq.data import Source, source_bytes
from neuroeq.data.archive import ArchiveError
from neuroeq.describe.spec import Network, read, validate
from neuroeq.describe.spec.base import Described
from neuroeq.errors import NeuroeqWarning, SpecError
from neuroeq.learning.state import State
from neuroeq.measures.probes import Probes

from .checkpoint import check_noise, checkpoint_bytes, read_checkpoint
from .files import atomic, held, remove_empty, to_disk
from .table import GrowingTable
from .traces import Volts, traces_bytes

DATA_FILE = "data.npz"
"""The file with the examples of a run that was given arrays."""
CHECKPOINTS = ("checkpoint.npz", "checkpoint.former.npz")
"""The newest checkpoint and the one before it."""
BEFORE = ("run.toml", DATA_FILE)
"""What is written before the first checkpoint, and is left by a run that is killed then."""
RESULT_KEYS = ("network", "substrate", "epochs", "train_error", "validation_error", "test_error")
"""What tells result.json from other files."""
PACKAGES = ("neuroeq", "brian2", "numpy", "scipy", "pydantic", "scikit-learn")


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path
        The path of the folder.
    made
        The folders that were made for it, from the innermost outwards, which `held` removes if they are left empty.

    Attributes
    ----------
    before_write
        A function that is called before a file is written, and raises an error if none may be; None for no such.
    """

    before_write: Callable[[], None] | None = None

    def __init__(self, path: Path, made: Sequence[Path] = ()) -> None:
        self.path = path
        self._made = list(made)
        self._unsynced: set[Path] = set()
        self._table = GrowingTable()

    @property
    def figures(self) -> Path:
        """The folder that figures are written to."""
        return self.path / "figures"

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint."""
        return any((self.path / name).exists() for name in CHECKPOINTS)

    @contextmanager
    def held(self, resume: bool, patience_s: float = 0.0) -> Iterator[None]:
        """Hold the folder for this process alone, and remove it at the end if nothing was written into it.

        Parameters
        ----------
        resume
            Whether there is to be a checkpoint.
        patience_s
            How long to wait for another process that holds it [s].

        Raises
        ------
        SpecError
            If another process holds it or has held it in the meantime, or there is no checkpoint to resume from.
        """
        try:
            with held(self.path, patience_s):
                if self.begun and not resume:
                    raise not_empty(self.path)
                yield
        finally:
            remove_empty(self._made)

    def describe(self, network: Network) -> None:
        """Write run.toml: the resolved network, with the options of the run."""
        self._put("run.toml", to_toml(network))

    def description(self) -> Network:
        """Read the network from run.toml.

        Raises
        ------
        SpecError
            If there is no such file, or it is damaged.
        """
        path = self.path / "run.toml"
        try:
            table = read(path)
        except SpecError as error:
            reason = str(error).removeprefix(f"{path}: ").rstrip(".")
            raise SpecError(f"{self.path}: is not a run folder: run.toml cannot be read ({reason}).") from None
        return validate(Network, table, str(path)).read_from(path, str(path))

    def write_data(self, source: Source) -> None:
        """Write data.npz: the examples that the user gave as arrays."""
        self._put(DATA_FILE, source_bytes(source))

    def save(self, state: State, sync: bool = True) -> None:
        """Write the checkpoint, and keep the last one before it that has reached the disk beside it.

        Parameters
        ----------
        state
            The state of the training.
        sync
            Whether to wait until it is on the disk; if not, `sync` does.
        """
        newest, former = (self.path / name for name in CHECKPOINTS)
        content = checkpoint_bytes(state)
        self._allow()  # before anything is moved
        if newest.exists() and newest not in self._unsynced:
            _keep_as(newest, former)
        self._write(newest, content, sync)

    def sync(self) -> None:
        """Wait until everything that was written is on the disk."""
        for path in self._unsynced:
            to_disk(path)
        self._unsynced.clear()

    def load(self, go_on: bool = False) -> State:
        """Read the checkpoint.

        Parameters
        ----------
        go_on
            Whether training goes on from it, which it may do from the one before it if the newest is damaged.

        Raises
        ------
        SpecError
            If there is no checkpoint that can be read, it is that of another network, or training cannot go on from it.
        """
        newest, former = (self.path / name for name in CHECKPOINTS)
        network = self.description()
        try:
            state = read_checkpoint(newest, network)
            self._unsynced.add(newest)  # it may be what a process wrote last before it was killed
            if go_on:
                check_noise(state, network, newest)
            return state
        except ArchiveError as error:
            self._unsynced.add(newest)  # which is not kept as the one before
            damage = f"{newest}: cannot be read ({error})"
        try:
            state = read_checkpoint(former, network)
        except ArchiveError:
            raise SpecError(f"{damage}, and there is no checkpoint before it; train the network anew.") from None
        if not go_on:
            raise SpecError(f"{damage}; go on from the checkpoint before it with {resuming(self.path)}")
        check_noise(state, network, former)
        warnings.warn(f"{damage}; training goes on from the checkpoint before it.", NeuroeqWarning, stacklevel=2)
        return state

    def write_metrics(self, rows: Sequence[Mapping[str, Any]], sync: bool = True) -> None:
        """Write metrics.csv, with a row for each epoch; `sync` says whether to wait until it is on the disk."""
        self._write(self.path / "metrics.csv", self._table.text(rows), sync)

    def _put(self, name: str, content: bytes | str, sync: bool = True) -> None:
        self._allow()
        atomic(self.path / name, content, sync)

    def _allow(self) -> None:
        if self.before_write is not None:
            self.before_write()

    def _write(self, path: Path, content: bytes | str, sync: bool) -> None:
        self._put(path.name, content, sync)
        if sync:
            self._unsynced.discard(path)
        else:
            self._unsynced.add(path)

    def metrics(self) -> list[dict[str, float]]:
        """Read metrics.csv, and leave out its empty entries; there are no rows if there is no such file.

        Raises
        ------
        SpecError
            If it is damaged.
        """
        path = self.path / "metrics.csv"
        if not path.exists():
            return []
        try:
            with path.open(newline="", encoding="utf-8") as file:
                return [{key: _number(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
        except (ValueError, TypeError, csv.Error) as error:
            raise SpecError(
                f"{path}: is damaged ({error}); remove it, and train the network anew or go on without it."
            ) from None

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write result.json."""
        self._put("result.json", json.dumps(result, indent=2) + "\n")

    def result(self) -> dict[str, Any]:
        """Read result.json.

        Raises
        ------
        SpecError
            If the run has not finished, or the file is damaged.
        """
        path = self.path / "result.json"
        if not path.exists():
            raise SpecError(
                f"{self.path}: has no result.json; the run has not finished: resume it with {resuming(self.path)}"
            )
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            result = error
        if not isinstance(result, dict) or not set(RESULT_KEYS) <= set(result):
            said = result if isinstance(result, ValueError) else "it lacks what a result holds"
            raise SpecError(f"{path}: is damaged ({said}); write it anew with {resuming(self.path)}")
        return result

    def write_traces(self, state: State, probes: Probes, inference: Volts) -> None:
        """Write traces.h5: weights over training, and recorded phases and voltages of a few samples, with units."""
        self._put("traces.h5", traces_bytes(state, probes, inference))

    @contextmanager
    def traces(self) -> Iterator[h5py.File]:
        """Open traces.h5 for reading.

        Raises
        ------
        SpecError
            If there is no such file, or what is read from it is damaged.
        """
        path = self.path / "traces.h5"
        if not path.exists():
            raise SpecError(
                f"{self.path}: has no traces.h5; the run has not finished: resume it with {resuming(self.path)}"
            )
        try:
            with h5py.File(path, "r") as file:
                yield file
        except (OSError, KeyError, RuntimeError, ValueError, TypeError, IndexError) as error:
            raise SpecError(f"{path}: cannot be read ({error}); write it anew with {resuming(self.path)}") from None


def to_toml(described: Described) -> str:
    """Return a network or a hardware as the text of a file that describes the same one."""
    table = described.model_dump(by_alias=True, exclude_none=True, mode="json")
    return tomli_w.dumps(_without_empty(table), multiline_strings=True)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result depends on."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def resuming(path: Path, target: str | None = None) -> str:
    """Return the command that goes on with the run in a folder, to paste into a shell."""
    compiled = ["--target", target] if target else []
    return shlex.join(["neuroeq", "run", str(path / "run.toml"), "--resume", "--out", str(path), *compiled])


def _number(text: str) -> float:
    """Return the number of an entry, whole if it was written so."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def _keep_as(path: Path, other: Path) -> None:
    """Give a file a second name, which another one may have had."""
    draft = other.with_name(f".{other.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        os.link(path, draft)
    except OSError:  # a file system without hard links
        path.replace(other)
    else:
        draft.replace(other)


def _without_empty(table: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out empty tables, lists and texts."""
    filled = {key: _without_empty(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in filled.items() if value not in ({}, [], (), "")}


def not_empty(path: Path) -> SpecError:
    """Return the error for a folder that a new run cannot have."""
    return SpecError(f"--out {path}: is not empty; choose another folder, or resume that run with --resume.")
