"""What becomes of a cell: its result or the sentence of its failure, and its warnings, in `cell.json` of its folder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from neuroeq.describe.spec import Network
from neuroeq.errors import NeuroeqError, NeuroeqWarning

from ..checking import check_network
from ..earlier import Epochs
from ..interruption import interrupting
from ..records import RunFolder
from ..records.files import FolderHeldError, atomic
from ..training import train

CHECKED = 8
"""The number of training examples in the update that is compared with the gradient."""
CELL = "cell.json"
"""The file in a run folder that holds what `check` measured, or why the cell failed."""
PATIENCE_S = 30.0
"""How long a cell waits for a worker that was killed, which still writes its checkpoint [s]."""
KEPT = (NeuroeqWarning, RuntimeWarning)
"""Warnings that a cell keeps: those about the network and its numbers, not those of libraries."""
Guard = Callable[[], None]
"""A function that raises an error if this process may no longer write into the folder of a cell."""


def keep_outcome(path: Path, work: Callable[[], dict[str, Any]], guard: Guard | None = None) -> None:
    """Do the work of a cell, and keep what it returns, or the message of the error that ends it, with its warnings.

    Parameters
    ----------
    path
        The run folder of the cell.
    work
        A function that does the work, and returns the record of it.
    guard
        A function that is called before the record is written.

    Raises
    ------
    Interrupted
        If it was asked to stop; it goes on from its checkpoint the next time.
    FolderHeldError
        If another process writes into the folder.
    """
    failure, record = None, read_json(path / CELL)
    remarks = _Remarks(path, record.get("warnings", []) if RunFolder(path).begun else [], guard)
    with warnings.catch_warnings(), threadpool_limits(1), interrupting(path):
        warnings.simplefilter("always", NeuroeqWarning)
        warnings.showwarning = remarks.add  # type: ignore[assignment]
        try:
            record = work()
        except FolderHeldError:
            raise
        except NeuroeqError as error:
            failure = str(error)
    keep(path, {**({"failure": failure} if failure else record), "warnings": remarks.texts}, guard)


class _Remarks:
    """The warnings of a cell, which are kept as they come, so that a training that is killed loses none.

    Parameters
    ----------
    path
        The run folder of the cell.
    texts
        The warnings of its training before it was stopped.
    guard
        A function that is called before they are written.
    """

    def __init__(self, path: Path, texts: Sequence[str], guard: Guard | None = None) -> None:
        self.path, self.texts, self._guard = path, list(texts), guard

    def add(self, message: Warning, category: type[Warning], *_: Any) -> None:
        """Keep a warning about the network or its numbers, once."""
        if issubclass(category, KEPT) and str(message) not in self.texts:
            self.texts.append(str(message))
            if RunFolder(self.path).begun:
                keep(self.path, {"warnings": self.texts}, self._guard)


def train_and_check(
    network: Network | str | Path,
    path: Path,
    options: dict[str, Any],
    common: dict[str, Any],
    checked: bool = True,
    guard: Guard | None = None,
    alike: int = 1,
) -> dict[str, Any]:
    """Train a network in its folder, or go on with it, and compare its update with the gradient before and after.

    Parameters
    ----------
    network
        A network, or its name or path.
    path
        The run folder of the cell.
    options
        Substrate, hardware, ideal parts and settings, as for `train`.
    common
        Seed, data_dir and target, as for `train`.
    checked
        Whether to compare the update with the gradient.
    guard
        A function that is called before anything is written.
    alike
        The number of trainings of the network with other seeds, as for `train`.

    Returns
    -------
    dict
        The reports of `check_network` at the ``"start"`` and the ``"end"``, as ``"gradient"``; None if not checked.

    Raises
    ------
    NeuroeqError
        If the network cannot be trained.
    """
    epochs = None
    if not (path / "result.json").exists():
        begun = RunFolder(path).begun
        if not begun:
            (path / CELL).unlink(missing_ok=True)
            epochs = Epochs() if checked else None
        how: dict[str, Any] = {"patience_s": PATIENCE_S, "before_write": guard, "alike": alike}
        train(network, **options, **common, out=path, resume=begun, callback=epochs, **how)
    if not checked:
        return {"gradient": None}
    there = {key: value for key, value in common.items() if key != "seed"} | {"epochs": epochs}
    return {"gradient": {"start": _checked(network, {**options, **common}), "end": _checked(path, there)}}


def _checked(network: Network | str | Path, options: dict[str, Any]) -> dict[str, Any]:
    """Return the report of a check, or the message of the error that prevents it."""
    try:
        return check_network(network, samples=CHECKED, **options).as_dict()
    except NeuroeqError as error:
        return {"refused": str(error)}


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file; an empty dictionary if there is no such file, or if it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def keep(path: Path, record: dict[str, Any], guard: Guard | None = None) -> None:
    """Write the record of a cell into its folder."""
    if guard is not None:
        guard()
    path.mkdir(parents=True, exist_ok=True)
    atomic(path / CELL, json.dumps(record, indent=2) + "\n")
