"""Run one cell: train it, or resume its training, and measure its gradient before and after; skip finished parts.

Everything is stored in the run folder of the cell, the gradients in `cell.json`; results are read from there.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from neuroeq.describe.catalog import of_hardware, resolve
from neuroeq.describe.kinds import kind_of
from neuroeq.describe.spec import Network, setting
from neuroeq.describe.spec.files import Table
from neuroeq.errors import NeuroeqError, NeuroeqWarning, SpecError
from neuroeq.measures.backprop import FeedForward

from ..checking import check_network
from ..interruption import interrupting
from ..records import RunFolder, check_same
from ..records.files import atomic
from ..training import train
from .baseline import train_baseline, with_rate_units
from .cells import BASELINE, Cell

CHECKED = 8
"""The number of training examples in the update that is compared with the gradient."""
CELL = "cell.json"
"""The file in a run folder that holds what `check` measured, or why the cell failed."""
GRACE_S = 8.0
"""How long a worker may take to write a checkpoint after it was told to stop [s]."""
PATIENCE_S = 30.0
"""How long a cell waits for a worker of a comparison that was killed, which still writes its checkpoint [s]."""
KEPT = (NeuroeqWarning, RuntimeWarning)
"""Warnings that a cell keeps: those about the network and its numbers, not those of libraries."""
QUICK_EXAMPLES = 500
"""The largest number of training examples of a quick comparison."""


@dataclass(frozen=True)
class Plan:
    """The options that all cells of a comparison share.

    Parameters
    ----------
    network
        A network, or its name or path.
    out
        The folder of the comparison.
    epochs
        The number of epochs, instead of that of the network.
    quick
        Whether to train half the epochs, but at least 2, on at most `QUICK_EXAMPLES` examples.
    settings
        Changes to the network; those of the hardware apply to circuits only.
    ideal
        Parts of the hardware to idealise, on circuits.
    data_dir, target
        The same as for `train`.
    first
        The first cell, whose recipe others have: back-propagation always, and all of them if `same_recipe` is true.
    same_recipe
        Whether all cells have the layer sizes, epochs, batch size and schedule of the first one.
    """

    network: Network | str | Path
    out: Path
    epochs: int | None = None
    quick: bool = False
    settings: tuple[str | Table, ...] = ()
    ideal: tuple[str, ...] = ()
    data_dir: str | Path | None = None
    target: str | None = None
    first: Cell | None = None
    same_recipe: bool = False

    def options(self, cell: Cell) -> dict[str, Any]:
        """Return the arguments of `train`, `check_network` and `resolve` for a cell.

        Raises
        ------
        NeuroeqError
            If the network cannot be resolved for the substrate with these settings.
        """
        substrate = "rate" if cell.baseline else cell.substrate
        circuit = kind_of(substrate).hardware
        settings = [each for each in self.settings if circuit or not of_hardware(_table(each))]
        options: dict[str, Any] = {
            "substrate": substrate,
            "hardware": cell.hardware,
            "ideal": self.ideal if circuit else (),
        }
        resolved = resolve(self._network(cell), settings=settings, **options)
        changes: Table = {}
        if self.quick:
            changes["data"] = {"limit": min(resolved.data.limit or QUICK_EXAMPLES, QUICK_EXAMPLES)}
            changes["training"] = {"epochs": max(2, resolved.training.epochs // 2)}
        if self.epochs is not None:
            changes["training"] = {"epochs": self.epochs}
        given = [*settings, *([changes] if changes else [])]
        if self.first is not None and (cell.baseline or self.same_recipe) and not cell.like(self.first):
            given.append(_recipe(resolve(self.network, **self.options(self.first))))
        return {**options, "settings": given}

    def described(self, cell: Cell) -> Network:
        """Return the network of a cell, with its seed.

        Raises
        ------
        NeuroeqError
            If the network cannot be resolved for the substrate with these settings.
        """
        options = self.options(cell)
        settings = [*options.pop("settings"), {"run": {"seed": cell.seed}}]
        return resolve(self._network(cell), settings=settings, **options)

    def _network(self, cell: Cell) -> Network | str | Path:
        return with_rate_units(self.network) if cell.baseline else self.network

    def folder(self, cell: Cell) -> Path:
        """Return the run folder of a cell."""
        return self.out / cell.folder

    def check_folder(self, cell: Cell) -> None:
        """Refuse a folder that holds a run with other settings.

        Raises
        ------
        SpecError
            If the folder holds such a run.
        """
        if not (self.folder(cell) / "run.toml").exists():
            return
        try:
            asked = self.described(cell)
        except NeuroeqError:
            return  # the cell reports this error when it is run
        try:
            check_same(RunFolder(self.folder(cell)), asked)
        except SpecError as error:
            about = str(error).removeprefix("--resume: ").partition(";")[0]
            raise SpecError(
                f"--out {self.out}: {about}; choose another folder, or give the options of its start."
            ) from None


def run_cell(plan: Plan, cell: Cell) -> None:
    """Train a cell and measure its gradients.

    Its warnings, and the message of the error if it is not allowed or diverges, are stored in its folder.

    Raises
    ------
    Interrupted
        If it was asked to stop; it goes on from its checkpoint the next time.
    """
    path = plan.folder(cell)
    record = read_json(path / CELL)
    if "gradient" in record and (path / "result.json").exists():
        return
    failure, remarks = None, _Remarks(path, record.get("warnings", []) if RunFolder(path).begun else [])
    with warnings.catch_warnings(), threadpool_limits(1), interrupting(path):
        warnings.simplefilter("always", NeuroeqWarning)
        warnings.showwarning = remarks.add  # type: ignore[assignment]
        try:
            if cell.baseline:
                train_baseline(plan.described(cell), path, plan.data_dir, PATIENCE_S)
                record = {"gradient": {"start": {}, "end": {}}}
            else:
                record = {"gradient": _train_and_check(plan, cell, path)}
        except NeuroeqError as error:
            failure = str(error)
    _keep(path / CELL, {**({"failure": failure} if failure else record), "warnings": remarks.texts})


class _Remarks:
    """The warnings of a cell, which are kept as they come, so that a training that is killed loses none.

    Parameters
    ----------
    path
        The run folder of the cell.
    texts
        The warnings of its training before it was stopped.
    """

    def __init__(self, path: Path, texts: Sequence[str]) -> None:
        self.path, self.texts = path, list(texts)

    def add(self, message: Warning, category: type[Warning], *_: Any) -> None:
        """Keep a warning about the network or its numbers, once."""
        if issubclass(category, KEPT) and str(message) not in self.texts:
            self.texts.append(str(message))
            if RunFolder(self.path).begun:
                _keep(self.path / CELL, {"warnings": self.texts})


def _train_and_check(plan: Plan, cell: Cell, path: Path) -> dict[str, Any]:
    options = plan.options(cell)
    common: dict[str, Any] = {"seed": cell.seed, "data_dir": plan.data_dir, "target": plan.target}
    if not (path / "result.json").exists():
        begun = RunFolder(path).begun
        if not begun:
            (path / CELL).unlink(missing_ok=True)
        train(plan.network, **options, **common, out=path, resume=begun, patience_s=PATIENCE_S)
    return {
        "start": _checked(plan.network, {**options, **common}),
        "end": _checked(path, {"data_dir": plan.data_dir, "target": plan.target}),
    }


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


def _keep(path: Path, table: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic(path, json.dumps(table, indent=2) + "\n")


def obstacle(plan: Plan) -> str | None:
    """Return the sentence that says why there is no back-propagation to compare with; None if there is."""
    try:
        FeedForward(plan.described(Cell(BASELINE, None, 0)))
    except NeuroeqError as error:
        return str(error)
    return None


def _recipe(network: Network) -> Table:
    """Return the settings that give another substrate the recipe of a resolved network, apart from its rates."""
    training = network.training.model_dump(include={"epochs", "batch_size", "schedule"}, mode="json")
    return {"layers": {name: {"size": layer.size} for name, layer in network.layers.items()}, "training": training}


def _table(change: str | Table) -> Table:
    return setting(change) if isinstance(change, str) else change
