"""A run on disk: its description (run.toml), its checkpoint (checkpoint.npz) and its results.

Every file is written under another name first and then renamed, so that a reader, or a run that resumes after a crash,
finds either the old or the new file and never half of one.
"""

from __future__ import annotations

import csv
import json
import platform
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tomli_w

from neuroeq.data import Source, write_npz
from neuroeq.describe.spec import Network, validate
from neuroeq.describe.spec.base import Described
from neuroeq.errors import SpecError
from neuroeq.learning.state import State, Tally
from neuroeq.physics.engine import Recording

from .files import atomic
from .traces import write_traces

Array = np.ndarray
DATA_FILE = "data.npz"
"""The file with the examples of a run that was given arrays."""
PACKAGES = ("neuroeq", "brian2", "numpy", "scipy", "pydantic", "scikit-learn")


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path
        The path of the folder, which is created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    @property
    def figures(self) -> Path:
        """The folder that figures are written to."""
        return self.path / "figures"

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint."""
        return (self.path / "checkpoint.npz").exists()

    def describe(self, network: Network) -> None:
        """Write run.toml: the resolved network, with the options of the run."""
        atomic(self.path / "run.toml", lambda path: path.write_text(to_toml(network), encoding="utf-8"))

    def description(self) -> Network:
        """Read the network from run.toml.

        Raises
        ------
        SpecError
            If there is no such file, or it is damaged.
        """
        path = self.path / "run.toml"
        try:
            table = tomllib.loads(path.read_text())
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise SpecError(f"{self.path}: is not a run folder: run.toml cannot be read ({error}).") from None
        return validate(Network, table, str(path)).read_from(path, str(path))

    def write_data(self, source: Source) -> None:
        """Write data.npz: the examples that the user gave as arrays."""
        atomic(self.path / DATA_FILE, lambda path: write_npz(path, source))

    def save(self, state: State) -> None:
        """Write the checkpoint."""
        arrays: dict[str, Array] = {f"params/{name}": value for name, value in state.params.items()}
        arrays |= {f"velocity/{name}": np.asarray(value) for name, value in state.velocity.items()}
        arrays |= {f"devices/{name}": value for name, value in state.devices.items()}
        arrays |= {f"particles/{name}": value for name, value in state.particles.items()}
        arrays |= {f"history/{name}": np.array(rows) for name, rows in state.history.items()}
        arrays["history_at"] = np.array(state.history_at)
        place = {name: getattr(state, name) for name in ("epoch", "batch", "cpu_s", "wall_s", "trainer")}
        arrays["place"] = np.array(json.dumps({**place, "tally": asdict(state.tally)}))
        atomic(self.path / "checkpoint.npz", lambda path: _savez(path, arrays))

    def load(self) -> State:
        """Read the checkpoint.

        Raises
        ------
        SpecError
            If there is no checkpoint that can be read.
        """
        path = self.path / "checkpoint.npz"
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError) as error:
            raise SpecError(f"{self.path}: has no checkpoint that can be read ({error}).") from None
        place = _current(json.loads(str(arrays["place"])))
        return State(
            _under("params", arrays),
            _under("velocity", arrays),
            _under("devices", arrays),
            _under("particles", arrays),
            place["epoch"],
            place["batch"],
            Tally(**place["tally"]),
            {name: list(rows) for name, rows in _under("history", arrays).items()},
            list(arrays["history_at"]),
            place["cpu_s"],
            place["wall_s"],
            place["trainer"],
        )

    def write_metrics(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write metrics.csv, with a row for each epoch."""
        rows = list(rows)
        columns = list(dict.fromkeys(key for row in rows for key in row))

        def write(path: Path) -> None:
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(rows)

        atomic(self.path / "metrics.csv", write)

    def metrics(self) -> list[dict[str, float]]:
        """Read metrics.csv, and leave out its empty entries."""
        path = self.path / "metrics.csv"
        if not path.exists():
            return []
        with path.open(newline="") as file:
            return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write result.json."""
        atomic(self.path / "result.json", lambda path: path.write_text(json.dumps(result, indent=2) + "\n"))

    def result(self) -> dict[str, Any]:
        """Read result.json.

        Raises
        ------
        SpecError
            If the run has not finished.
        """
        path = self.path / "result.json"
        if not path.exists():
            raise SpecError(f"{self.path}: has no result.json; the run has not finished: resume it with --resume.")
        return json.loads(path.read_text())

    def write_traces(self, state: State, probes: Mapping[str, Recording]) -> None:
        """Write traces.h5: weights over training, and recorded phases of a few samples, with units."""
        atomic(self.path / "traces.h5", lambda path: write_traces(path, state, probes))

    def traces(self) -> h5py.File:
        """Open traces.h5 for reading.

        Raises
        ------
        SpecError
            If there is no such file.
        """
        path = self.path / "traces.h5"
        if not path.exists():
            raise SpecError(f"{self.path}: has no traces.h5; the run has not finished: resume it with --resume.")
        return h5py.File(path, "r")


def to_toml(described: Described) -> str:
    """Return a network or a hardware as the text of a file that describes the same one."""
    table = described.model_dump(by_alias=True, exclude_none=True, mode="json")
    return tomli_w.dumps(_without_empty(table), multiline_strings=True)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result depends on."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def _current(place: dict[str, Any]) -> dict[str, Any]:
    """Return the place of a training, updated from version 0.1, which named an engine and examined every free phase."""
    trainer = "compiled" if place.get("engine") == "compiled" else None
    tally = {"looked_at": place["tally"]["examples"], **place["tally"]}
    return {"trainer": trainer, **place, "tally": tally}


def _savez(path: Path, arrays: Mapping[str, Array]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(f"{prefix}/"): value for name, value in arrays.items() if name.startswith(f"{prefix}/")}


def _without_empty(table: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out empty tables, lists and texts."""
    filled = {key: _without_empty(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in filled.items() if value not in ({}, [], (), "")}


def choose(out: str | Path | None, network: Network, resume: bool) -> RunFolder:
    """Return the folder of a new run, or of the one to resume."""
    if out is None:
        made_of = (
            f"-{network.technology.name}" if network.kind.hardware and network.technology.name != "unbounded" else ""
        )
        stem = Path("runs") / f"{network.name}-{network.substrate_name}{made_of}-seed{network.run.seed}"
        if resume:
            return _resumable(stem)
        return RunFolder(next(path for path in _numbered(stem) if not path.exists()))
    path = Path(out)
    if resume:
        return _resumable(path)
    if path.exists() and any(path.iterdir()):
        raise SpecError(f"--out {path}: is not empty; choose another folder, or resume that run with --resume.")
    return RunFolder(path)


def _resumable(path: Path) -> RunFolder:
    if not (path / "checkpoint.npz").exists():
        raise SpecError(
            f"--resume: no run with a checkpoint in '{path}'; name its folder with --out, or leave --resume out."
        )
    return RunFolder(path)


def _numbered(stem: Path) -> Iterator[Path]:
    yield stem
    number = 2
    while True:
        yield stem.with_name(f"{stem.name}-{number}")
        number += 1


def check_same(folder: RunFolder, asked: Network) -> None:
    """Refuse to resume a run with other settings; only the folder of its data may differ."""
    recorded, requested = (
        each.model_dump(by_alias=True, exclude_none=True, exclude={"run": {"data_dir"}}, mode="json")
        for each in (folder.description(), asked)
    )
    different = next((key for key in recorded if recorded[key] != requested.get(key)), None)
    if different is not None:
        raise SpecError(
            f"--resume: the run in {folder.path} has other settings in '{different}'; give the options of "
            f"its start, or resume it by its own description: neuroeq run {folder.path}/run.toml --resume "
            f"--out {folder.path}."
        )
