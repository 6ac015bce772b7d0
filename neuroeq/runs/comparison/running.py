"""Run one cell: train it, or resume its training, and measure its gradient before and after; skip finished parts.

Everything is kept in the cell's run folder, the gradients in `cell.json`; what came of it is read from there.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from neuroeq.describe.catalog import resolve
from neuroeq.describe.kinds import kind_of
from neuroeq.describe.spec import Network, setting
from neuroeq.describe.spec.files import Table
from neuroeq.errors import NeuroeqError, NeuroeqWarning, SpecError

from ..checking import check_network
from ..interruption import Interrupted
from ..records import RunFolder, check_same
from ..records.files import atomic
from ..training import train
from .cells import Cell

CHECKED = 8
"""Training examples in the update whose gradient is measured."""
CELL = "cell.json"
"""What a comparison keeps in a run folder: the gradients, or why the cell failed."""
KEPT = (NeuroeqWarning, RuntimeWarning)
"""Warnings that a cell keeps: of the network and its numbers, not of the libraries."""
QUICK_EXAMPLES = 500
"""Training examples of a quick comparison, at most."""


@dataclass(frozen=True)
class Plan:
    """What is the same in all cells.

    Parameters
    ----------
    network
        A network, or its name or path.
    out
        The folder of the comparison.
    epochs
        Instead of the network's.
    quick
        Whether to train half the epochs, but at least 2, on at most `QUICK_EXAMPLES` examples.
    settings
        Changes; those of the hardware go to circuits only.
    ideal
        Parts of the hardware to idealise, on circuits.
    data_dir, target
        As in `train`.
    """

    network: Network | str | Path
    out: Path
    epochs: int | None = None
    quick: bool = False
    settings: tuple[str | Table, ...] = ()
    ideal: tuple[str, ...] = ()
    data_dir: str | Path | None = None
    target: str | None = None

    def options(self, cell: Cell) -> dict[str, Any]:
        """Return what `train`, `check_network` and `resolve` are told about a cell.

        Raises
        ------
        NeuroeqError
            If the network does not stand so on its substrate.
        """
        circuit = kind_of(cell.substrate).hardware
        settings = [each for each in self.settings if circuit or "hardware" not in _table(each)]
        options: dict[str, Any] = {
            "substrate": cell.substrate,
            "hardware": cell.hardware,
            "ideal": self.ideal if circuit else (),
        }
        resolved = resolve(self.network, settings=settings, **options)
        changes: Table = {}
        if self.quick:
            changes["data"] = {"limit": min(resolved.data.limit or QUICK_EXAMPLES, QUICK_EXAMPLES)}
            changes["training"] = {"epochs": max(2, resolved.training.epochs // 2)}
        if self.epochs is not None:
            changes["training"] = {"epochs": self.epochs}
        return {**options, "settings": [*settings, *([changes] if changes else [])]}

    def folder(self, cell: Cell) -> Path:
        """Return the run folder of a cell."""
        return self.out / cell.folder

    def check_folder(self, cell: Cell) -> None:
        """Refuse a folder that holds a run under other settings.

        Raises
        ------
        SpecError
            If it does.
        """
        if not (self.folder(cell) / "run.toml").exists():
            return
        try:
            options = self.options(cell)
        except NeuroeqError:
            return  # the cell will say so itself
        options["settings"] = [*options["settings"], {"run": {"seed": cell.seed}}]
        try:
            check_same(RunFolder(self.folder(cell)), resolve(self.network, **options))
        except SpecError as error:
            about = str(error).removeprefix("--resume: ").partition(";")[0]
            raise SpecError(f"--out {self.out}: {about}; choose another folder, or the same options as then.") from None


def run_cell(plan: Plan, cell: Cell) -> str | None:
    """Train a cell and measure its gradients; return why it was interrupted, or None.

    What it warned of, and the sentence that stopped it if it is not allowed or diverges, are kept in its folder.
    """
    path = plan.folder(cell)
    found = read_json(path / CELL)
    if "gradient" in found and (path / "result.json").exists():
        return None
    sentence = None
    with warnings.catch_warnings(record=True) as said, threadpool_limits(1):
        warnings.simplefilter("always", NeuroeqWarning)
        try:
            found = {"gradient": _train_and_check(plan, cell, path)}
        except Interrupted as interruption:
            return str(interruption)
        except NeuroeqError as error:
            sentence = str(error)
    remarks = list(dict.fromkeys(str(each.message) for each in said if issubclass(each.category, KEPT)))
    _keep(path / CELL, {**({"failure": sentence} if sentence else found), "warnings": remarks})
    return None


def _train_and_check(plan: Plan, cell: Cell, path: Path) -> dict[str, Any]:
    options = plan.options(cell)
    common: dict[str, Any] = {"seed": cell.seed, "data_dir": plan.data_dir, "target": plan.target}
    if not (path / "result.json").exists():
        started = (path / "checkpoint.npz").exists()
        if not started and path.exists():
            _clear(path)
        train(plan.network, **options, **common, out=path, resume=started)
        (path / CELL).unlink(missing_ok=True)
    return {
        "start": _checked(plan.network, {**options, **common}),
        "end": _checked(path, {"data_dir": plan.data_dir, "target": plan.target}),
    }


def _checked(network: Network | str | Path, options: dict[str, Any]) -> dict[str, Any]:
    """Return the report of a check, or the sentence that refuses it."""
    try:
        return check_network(network, samples=CHECKED, **options).as_dict()
    except NeuroeqError as error:
        return {"refused": str(error)}


def read_json(path: Path) -> dict[str, Any]:
    """Return what a JSON file holds; nothing if there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _keep(path: Path, table: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic(path, lambda draft: draft.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8"))


def _clear(path: Path) -> None:
    """Remove what a run leaves that was stopped before its first checkpoint."""
    for left in path.iterdir():
        if left.name in ("run.toml", CELL) or left.name.startswith((".run.toml.", ".checkpoint.npz.")):
            left.unlink()


def _table(change: str | Table) -> Table:
    return setting(change) if isinstance(change, str) else change
