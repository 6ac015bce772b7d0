"""`neuroeq compare`: one network on many substrates, one table, one page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import Json, print_json

if TYPE_CHECKING:
    from neuroeq.runs.comparison import Comparison

WIDTH = 160
"""Of a table that goes into a file or a pipe."""


def compare(
    network: Annotated[str, typer.Argument(help="A network, by name or by the path of its file.")],
    on: Annotated[
        str, typer.Option("--on", metavar="SUBSTRATE[:HARDWARE],...", help="Such as rate,spiking,crossbar:ideal.")
    ],
    seeds: Annotated[int, typer.Option(min=1, help="Trainings on each, with seeds from 0.")] = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the network's.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Train half the epochs, on at most 500 training examples.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the network, or the hardware of circuits; repeatable."),
    ] = None,
    ideal: Annotated[
        str | None, typer.Option(metavar="PART,...", help="Parts of the hardware to idealise, on circuits.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder that holds data sets; $NEUROEQ_DATA if left out.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="How equations become code: auto, cython or numpy.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Trainings side by side; as many as there are cores, if left out.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder; runs/compare-NETWORK if left out. Finished cells in it are kept, begun ones go on."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network on several substrates: which learns, how well its gradient points, how fast it settles, its cost.

    Example: neuroeq compare digits --on rate,spiking,crossbar:ideal,resistive:1n4148 --quick
    """
    from neuroeq.runs import comparison
    from neuroeq.runs.interruption import Interrupted
    from neuroeq.show.report import write_report

    from .live import watch

    try:
        found = comparison.compare(
            network,
            on.split(","),
            seeds=seeds,
            epochs=epochs,
            quick=quick,
            settings=settings or [],
            ideal=ideal.split(",") if ideal else (),
            data_dir=data_dir,
            target=target,
            jobs=jobs,
            out=out,
            watch=None if quiet or not sys.stderr.isatty() else watch,
        )
    except Interrupted as interruption:
        print(
            f"neuroeq: interrupted; give the same command to go on with the comparison in {interruption.path}.",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    report = write_report(found)
    for row in found.rows:
        for remark in row.warnings:
            print(f"neuroeq: warning: {row.cell}, seed {row.seed}: {remark}", file=sys.stderr)
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found, report)


def _show(found: Comparison, report: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from neuroeq.runs.comparison import answer, used

    columns = used(found.means)
    table = Table(title=found.title)
    table.add_column("cell", no_wrap=True, min_width=max(len(mean.cell) for mean in found.means))
    for column in columns:
        table.add_column(column.title, justify="right")
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    for mean in found.means:
        table.add_row(mean.cell, *[column.text(mean) for column in columns])
    console.print(table)
    for row in found.rows:
        if row.failure:
            print(f"{row.cell}, seed {row.seed}: {row.failure}")
    print(" ".join(answer(found)))
    print(f"report {report}")
