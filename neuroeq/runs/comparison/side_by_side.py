"""Compare substrates. Each cell runs in a process with one thread; a comparison resumes where it was stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuroeq.describe.catalog import load_network
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.errors import SpecError
from neuroeq.registry import PAGES

from ..interruption import Interrupted, interrupting
from ..records.choice import single_part
from ..records.files import held, made, remove_empty
from ..run import Run, load_run
from ..sweeps.cells import BASELINE, Cell, cells_of
from ..sweeps.outcome import CHECKED
from ..sweeps.recipe import QUICK_EXAMPLES
from ..sweeps.workers import run_all
from .rows import Row, Summary, as_dict, read_row, summaries
from .running import Plan, obstacle, run_cell
from .screen import screen
from .tables import write_tables

Watch = Callable[[Plan, Sequence[Cell]], AbstractContextManager[Any]]
"""A function that returns a context manager, which shows the progress of the cells while it is open."""


@dataclass(frozen=True, repr=False)
class Comparison:
    """The result of a comparison.

    Parameters
    ----------
    path
        The folder of the comparison.
    network, title
        The name and title of the network.
    about
        The settings that all cells share.
    rows
        The results of the cells, one row for each.
    """

    path: Path
    network: str
    title: str
    about: dict[str, Any]
    rows: tuple[Row, ...]

    def __repr__(self) -> str:
        """Return the comparison on one screen."""
        failed = [f"{row.cell}, seed {row.seed}: {row.failure}" for row in self.rows if row.failure]
        head = f"Comparison {self.path}: {self.title}"
        return "\n".join([head, *(f"  {line}" for line in screen(self.means)), *failed])

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the same, and accuracies with energies or the learning curves."""
        return PAGES.get("comparison")(self)

    @property
    def means(self) -> list[Summary]:
        """The results of the substrates, each averaged over its seeds."""
        return summaries(self.rows)

    @property
    def cells(self) -> list[Summary]:
        """The same without the row of back-propagation."""
        return [mean for mean in self.means if not mean.baseline]

    @property
    def done(self) -> list[Row]:
        """The cells that could be trained."""
        return [row for row in self.rows if row.failure is None]

    def run(self, row: Row) -> Run:
        """Open the run of a cell."""
        return load_run(row.path)

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values, which are the content of `table.json`."""
        means, cells = ([as_dict(each) for each in rows] for rows in (self.means, self.rows))
        return {"path": str(self.path), **self.about, "rows": means, "cells": cells}


def compare(
    network: Network | str | Path,
    on: Sequence[str],
    *,
    seeds: int = 1,
    epochs: int | None = None,
    quick: bool = False,
    settings: Sequence[str | Table] = (),
    ideal: Sequence[str] = (),
    data_dir: str | Path | None = None,
    target: str | None = None,
    jobs: int | None = None,
    out: str | Path | None = None,
    same_recipe: bool = False,
    baseline: bool = True,
    watch: Watch | None = None,
) -> Comparison:
    """Train a network on several substrates, and compare learning, gradients, settling times and energies.

    Parameters
    ----------
    network
        A network, or its name or path.
    on
        The substrates, with the hardware of circuits: ``["rate", "spiking", "crossbar:ideal"]``.
    seeds
        The number of trainings on each, with seeds counted from 0.
    epochs
        The number of epochs, instead of that of the network.
    quick
        Whether to train half the epochs, but at least 2, on at most 500 examples.
    settings
        Changes to the network; those of the hardware apply to circuits only.
    ideal
        Parts of the hardware to idealise, on circuits.
    data_dir, target
        The same as for `train`.
    jobs
        The number of trainings side by side; as many as there are cores if left out.
    out
        The folder; ``runs/compare-NETWORK`` if left out. Finished cells in it are kept, and others are resumed.
    same_recipe
        Whether every substrate has the layer sizes, epochs, batch size and schedule of the first one.
    baseline
        Whether the network is also trained by back-propagation, with the recipe of the first substrate.
    watch
        A function that returns a context manager, which shows the progress of the cells.

    Returns
    -------
    Comparison

    Raises
    ------
    NeuroeqError
        If something that is named does not exist, the folder holds other settings, or no cell can be trained.
    Interrupted
        After Ctrl-C, SIGTERM or SIGHUP; the same call resumes the comparison.
    """
    described = network if isinstance(network, Network) else load_network(network)
    cells = cells_of(on, seeds)
    name = f"compare-{described.name}{'-quick' if quick else ''}"
    folder = Path(out) if out is not None else Path("runs") / single_part(name, described.where)
    plan = Plan(network, folder, epochs, quick, tuple(settings), tuple(ideal), data_dir, target, cells[0], same_recipe)
    without = obstacle(plan) if baseline else None
    if baseline and without is None:
        cells += [Cell(BASELINE, None, seed) for seed in range(seeds)]
    absent = [] if os.path.isdir(folder) else made(folder)
    try:
        for cell in cells:
            plan.check_folder(cell)
        with held(folder):
            with nullcontext() if watch is None else watch(plan, cells), interrupting(folder):
                run_all([(run_cell, (plan, cell)) for cell in cells], jobs, [str(plan.folder(cell)) for cell in cells])
            return _concluded(plan, cells, described, seeds, without)
    except Interrupted as interruption:
        raise Interrupted(folder, interruption.number) from None
    finally:
        remove_empty(absent)


def _concluded(plan: Plan, cells: Sequence[Cell], network: Network, seeds: int, without: str | None) -> Comparison:
    """Read the results of all cells, and write the tables."""
    rows = tuple(read_row(plan.folder(cell), cell) for cell in cells)
    if all(row.failure for row in rows if not row.baseline):
        raise SpecError(f"no cell could be trained; the first one, {rows[0].cell}, because: {rows[0].failure}")
    about = {
        "network": network.name,
        "seeds": seeds,
        "epochs": plan.epochs,
        "quick": plan.quick,
        "settings": [str(each) for each in plan.settings],
        "ideal": list(plan.ideal),
        "checked_examples": CHECKED,
        "quick_examples": QUICK_EXAMPLES if plan.quick else None,
        "same_recipe": plan.same_recipe,
        "no_baseline": without,
    }
    comparison = Comparison(plan.out, network.name, network.title, about, rows)
    write_tables(plan.out, comparison.as_dict(), comparison.means)
    return comparison
