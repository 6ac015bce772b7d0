"""The choice of a run folder: a new one, which no other run has, or the one to resume."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from neuroeq.data import OWN
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from .files import is_draft, made
from .folder import BEFORE, RunFolder, not_empty, resuming


def choose(out: str | Path | None, network: Network, resume: bool) -> RunFolder:
    """Return the folder of a new run, which is made, or of the one to resume.

    Raises
    ------
    SpecError
        If it cannot be made, is not empty, or has no checkpoint to resume from.
    """
    stem = Path("runs") / _name(network)
    if resume:
        return _resumable(Path(out or stem))
    for path in _numbered(stem) if out is None else [Path(out)]:
        try:
            return RunFolder(path, made(path))
        except FileExistsError:
            continue
    left = {each.name for each in path.iterdir() if not is_draft(each)}
    if left and not {"run.toml"} <= left <= set(BEFORE):
        raise not_empty(path)
    return RunFolder(path)


def _name(network: Network) -> str:
    """Return the name of the folder of a run, a single part of a path."""
    of_hardware = network.kind.hardware and network.made_of != network.kind.ideal
    made_of = f"-{network.made_of}" if of_hardware else ""
    return single_part(f"{network.name}-{network.substrate_name}{made_of}-seed{network.run.seed}", network.where)


def single_part(name: str, where: str) -> str:
    """Return the name of a folder under runs, unless it would lie elsewhere.

    Raises
    ------
    SpecError
        If it is a path.
    """
    if Path(name).name != name:
        raise SpecError(
            f"{where}: its folder would be 'runs/{name}', but a name is no path; choose another name, or name the "
            "folder with --out."
        )
    return name


def _resumable(path: Path) -> RunFolder:
    folder = RunFolder(path)
    if not folder.begun:
        started = (path / "run.toml").exists()
        raise SpecError(
            f"--resume: no run with a checkpoint in '{path}'; "
            + (
                "it was stopped before its first one, so leave --resume out to start it again."
                if started
                else "name its folder with --out, or leave --resume out."
            )
        )
    return folder


def _numbered(stem: Path) -> Iterator[Path]:
    yield stem
    for number in count(2):
        yield stem.with_name(f"{stem.name}-{number}")


def check_same(folder: RunFolder, asked: Network) -> None:
    """Refuse to resume a run with other settings; only the folder of its data and the number of threads may differ."""
    recorded, requested = (settings_of(each) for each in (folder.description(), asked))
    different = next((key for key in recorded if recorded[key] != requested.get(key)), None)
    if different is not None:
        raise SpecError(
            f"--resume: the run in {folder.path} has other settings in '{different}'; give the options of its start, "
            f"or resume it by its own description: {resuming(folder.path)}"
        )


def settings_of(network: Network) -> dict[str, Any]:
    """Return a network as plain values, with the name of its data file, but without the folder of data and threads."""
    aside = {"run": {"data_dir", "threads"}}
    table = network.model_dump(by_alias=True, exclude_none=True, exclude=aside, mode="json")
    if network.data.name.endswith(OWN):
        table["data"]["name"] = Path(network.data.name).name
    return table
