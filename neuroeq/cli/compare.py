"""`neuroeq compare`: train one network on several substrates, and report on all of them in one table and one page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import DataDir, Epochs, Ideal, Network, Quiet, Settings, Target, parts
from .output import Json, console, print_json

if TYPE_CHECKING:
    from neuroeq.runs.comparison import Comparison

WIDTH = 200
"""Width of a table that is written to a file or a pipe, in characters."""

Cells = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="SUBSTRATE[:HARDWARE],...",
        help="The substrates, and the hardware of circuits, such as rate,spiking,crossbar:ideal.",
    ),
]
Seeds = Annotated[int, typer.Option(min=1, help="The number of trainings on each, with seeds from 0.")]
Quick = Annotated[bool, typer.Option("--quick", help="Train half the epochs, on at most 500 training examples.")]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="The number of trainings at a time; one for each core if left out.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="The folder of the comparison; runs/compare-NETWORK if left out. What is finished in it is kept, and "
        "what was interrupted is continued."
    ),
]
SameRecipe = Annotated[
    bool,
    typer.Option(
        "--same-recipe",
        help="Give every substrate the layer sizes, epochs, batch size and schedule of the first one.",
    ),
]
NoBaseline = Annotated[bool, typer.Option("--no-baseline", help="Leave out the row of back-propagation.")]


def compare(
    network: Network,
    on: Cells,
    seeds: Seeds = 1,
    epochs: Epochs = None,
    quick: Quick = False,
    settings: Settings = None,
    ideal: Ideal = None,
    data_dir: DataDir = None,
    target: Target = None,
    same_recipe: SameRecipe = False,
    no_baseline: NoBaseline = False,
    jobs: Jobs = None,
    out: Out = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a network on several substrates, and compare their accuracy, gradients, settling times and energies.

    Example: neuroeq compare digits --on rate,spiking,crossbar:ideal,resistive:1n4148 --quick
    """
    from neuroeq.runs import comparison
    from neuroeq.show.report import write_report

    with _interruptible():
        compared = comparison.compare(
            network,
            on.split(","),
            seeds=seeds,
            epochs=epochs,
            quick=quick,
            settings=settings or [],
            ideal=parts(ideal),
            data_dir=data_dir,
            target=target,
            jobs=jobs,
            out=out,
            same_recipe=same_recipe,
            baseline=not no_baseline,
            watch=None if quiet else _live_table(),
        )
    report = write_report(compared)
    _show_warnings(compared)
    if as_json:
        print_json(compared.as_dict())
    else:
        _show(compared, report)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Say how to go on if the comparison is interrupted, and end with the status of the signal."""
    from neuroeq.runs.interruption import Interrupted

    try:
        yield
    except Interrupted as interruption:
        sentence = f"neuroeq: interrupted; give the same command to go on with the comparison in {interruption.path}."
        print(sentence, file=sys.stderr)
        raise typer.Exit(interruption.status) from None


def _live_table() -> Any:
    """Return what shows progress on a terminal; None if stderr is not one."""
    if not sys.stderr.isatty():
        return None
    from .live import watch

    return watch


def _show_warnings(comparison: Comparison) -> None:
    for row in comparison.rows:
        for warning in row.warnings:
            print(f"neuroeq: warning: {row.cell}, seed {row.seed}: {warning}", file=sys.stderr)


def _show(comparison: Comparison, report: Path) -> None:
    from rich.table import Table

    from neuroeq.runs.comparison import Words, answer, unlike, used

    columns = used(comparison.means)
    table = Table(title=comparison.title)
    table.add_column("cell", no_wrap=True, min_width=max(len(mean.cell) for mean in comparison.means))
    for column in columns:
        widest = max(map(len, map(column.text, comparison.means))) if isinstance(column, Words) else None
        table.add_column(column.title, justify="right", no_wrap=widest is not None, min_width=widest)
    for mean in comparison.means:
        table.add_row(mean.cell, *[column.text(mean) for column in columns])
    console(width=None if sys.stdout.isatty() else WIDTH).print(table)
    for row in comparison.rows:
        if row.failure:
            print(f"{row.cell}, seed {row.seed}: {row.failure}")
    if comparison.about["no_baseline"]:
        print(f"no row of back-propagation: {comparison.about['no_baseline']}")
    if different := unlike(comparison):
        print(different)
    print(" ".join(answer(comparison)))
    print(f"report {report}")
