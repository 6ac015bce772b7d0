"""Show the progress of a comparison: a table on stderr, read from the run folders while they are being written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.live import Live
from rich.table import Table

from neuroeq.errors import NeuroeqError
from neuroeq.runs.comparison import CELL, Cell, Plan, read_json
from neuroeq.runs.costs import error_text
from neuroeq.runs.records import RunFolder

from .output import console


@contextmanager
def watch(plan: Plan, cells: Sequence[Cell]) -> Iterator[None]:
    """Show the state of all cells while they are trained."""

    def draw() -> Table:
        table = Table("cell", "seed", "state", "train error")
        for cell in cells:
            table.add_row(cell.name, str(cell.seed), *progress_of(plan.folder(cell)))
        return table

    with Live(get_renderable=draw, console=console(stderr=True), refresh_per_second=1):
        yield


def progress_of(path: Path) -> tuple[str, str]:
    """Return what the cell with a run folder is doing, and its latest training error."""
    try:
        return _progress_of(path)
    except OSError:  # a file system that is away for a moment must not end the thread that draws
        return "out of reach", ""


def _progress_of(path: Path) -> tuple[str, str]:
    if not path.is_dir():
        return "waiting", ""
    try:
        kept, rows = read_json(path / CELL), RunFolder(path).metrics()
    except NeuroeqError:
        return "damaged", ""
    error = error_text(rows[-1], "train", 1, word="") if rows else ""
    if "gradient" in kept:
        return "done", error
    if (path / "result.json").exists():
        return "measuring the gradient", error
    if "failure" in kept:
        return "failed", error
    try:
        epochs = RunFolder(path).description().training.epochs
    except NeuroeqError:
        return "preparing", error
    return f"epoch {len(rows)} of {epochs}", error
