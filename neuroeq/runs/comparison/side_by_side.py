"""Compare substrates: cells in processes of their own, one thread each; a comparison goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib import Parallel, cpu_count, delayed, parallel_config

from neuroeq.describe.catalog import load_network
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.errors import SpecError

from ..interruption import Interrupted
from ..run import Run, load_run
from .cells import Cell, cells_of
from .rows import Row, Summary, as_dict, read_row, summaries
from .running import CHECKED, QUICK_EXAMPLES, Plan, run_cell
from .tables import write_tables

Watch = Callable[[Plan, Sequence[Cell]], AbstractContextManager[Any]]
"""Shows how far the cells are, while it is open."""


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison.

    Parameters
    ----------
    path
        Its folder.
    network, title
        Name and title of the network.
    about
        The settings that all cells share.
    rows
        One a cell.
    """

    path: Path
    network: str
    title: str
    about: dict[str, Any]
    rows: tuple[Row, ...]

    @property
    def means(self) -> list[Summary]:
        """One a substrate, over its seeds."""
        return summaries(self.rows)

    @property
    def done(self) -> list[Row]:
        """The cells that could be trained."""
        return [row for row in self.rows if row.failure is None]

    def run(self, row: Row) -> Run:
        """Open the run of a cell."""
        return load_run(row.path)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values: what `table.json` holds."""
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
    watch: Watch | None = None,
) -> Comparison:
    """Train a network on several substrates: which learns, how well its gradient points, how fast it settles, its cost.

    Parameters
    ----------
    network
        A network, or its name or path.
    on
        Substrates, circuits with their hardware: ``["rate", "spiking", "crossbar:ideal"]``.
    seeds
        Trainings on each, with seeds from 0.
    epochs
        Instead of the network's.
    quick
        Whether to train half the epochs, but at least 2, on at most 500 examples.
    settings
        Changes to the network; those of the hardware go to circuits only.
    ideal
        Parts of the hardware to idealise, on circuits.
    data_dir, target
        As in `train`.
    jobs
        Trainings side by side; as many as there are cores, if left out.
    out
        The folder; ``runs/compare-NETWORK`` if left out. Finished cells in it are kept, begun ones go on.
    watch
        Shows how far the cells are.

    Returns
    -------
    Comparison

    Raises
    ------
    NeuroeqError
        If something is asked for that does not exist, the folder holds other settings, or no cell can be trained.
    Interrupted
        After Ctrl-C; the same call goes on.
    """
    described = network if isinstance(network, Network) else load_network(network)
    cells = cells_of(on, seeds)
    folder = Path(out or f"runs/compare-{described.name}{'-quick' if quick else ''}")
    plan = Plan(network, folder, epochs, quick, tuple(settings), tuple(ideal), data_dir, target)
    for cell in cells:
        plan.check_folder(cell)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with nullcontext() if watch is None else watch(plan, cells):
            stopped = _run_all(plan, cells, jobs)
    except KeyboardInterrupt:
        raise Interrupted(folder) from None
    if any(stopped):
        raise Interrupted(folder)
    rows = tuple(read_row(plan.folder(cell), cell) for cell in cells)
    if all(row.failure for row in rows):
        raise SpecError(f"no cell could be trained; the first one, {rows[0].cell}, because: {rows[0].failure}")
    about = {
        "network": described.name,
        "seeds": seeds,
        "epochs": epochs,
        "quick": quick,
        "settings": [str(each) for each in settings],
        "ideal": list(ideal),
        "checked_examples": CHECKED,
        "quick_examples": QUICK_EXAMPLES if quick else None,
    }
    found = Comparison(folder, described.name, described.title, about, rows)
    write_tables(folder, found.as_dict(), found.means)
    return found


def _run_all(plan: Plan, cells: Sequence[Cell], jobs: int | None) -> list[str | None]:
    jobs = min(jobs or cpu_count(), len(cells))
    if jobs == 1:
        return [run_cell(plan, cell) for cell in cells]
    with parallel_config(backend="loky", inner_max_num_threads=1):
        return list(Parallel(n_jobs=jobs, batch_size=1)(delayed(run_cell)(plan, cell) for cell in cells))
