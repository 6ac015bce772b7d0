"""Run one cell: train it, or resume its training, and measure its gradient before and after; skip finished parts.

Everything is stored in the run folder of the cell, the gradients in `cell.json`; results are read from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import sizes
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.errors import NeuroeqError, SpecError
from neuroeq.measures.backprop import FeedForward

from ..records import RunFolder, check_same
from ..sweeps.cells import BASELINE, Cell
from ..sweeps.outcome import CELL, PATIENCE_S, keep_outcome, read_json, train_and_check
from ..sweeps.recipe import recipe
from .baseline import train_baseline, with_rate_units


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
        shared = (self.settings, self.ideal, self.epochs, self.quick)
        options = recipe(self._network(cell), substrate, cell.hardware, *shared)
        if self.first is not None and (cell.baseline or self.same_recipe) and not cell.like(self.first):
            options["settings"].append(_recipe(resolve(self.network, **self.options(self.first))))
        return options

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
    if "gradient" not in read_json(path / CELL) or not (path / "result.json").exists():
        keep_outcome(path, partial(_work, plan, cell, path))


def _work(plan: Plan, cell: Cell, path: Path) -> dict[str, Any]:
    if cell.baseline:
        train_baseline(plan.described(cell), path, plan.data_dir, PATIENCE_S)
        return {"gradient": {"start": {}, "end": {}}}
    common = {"seed": cell.seed, "data_dir": plan.data_dir, "target": plan.target}
    return train_and_check(plan.network, path, plan.options(cell), common)


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
    return {**sizes(network), "training": training}
