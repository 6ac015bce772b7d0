"""`neuroeq sweep`: train a network in many cells, each with other values of what is varied."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuroeq.errors import SpecError

from .options import DataDir, Epochs, Ideal, Network, Quiet, Settings, Target, Vary, parts
from .output import Json, console, print_json

if TYPE_CHECKING:
    from neuroeq.runs.sweeps import Cluster, Drawn, Plan, Sweep

WIDTH, MOST_ROWS = 200, 60
"""Width of a table that is written to a file or a pipe, in characters; and the largest number of its rows."""

Zip = Annotated[
    list[str] | None,
    typer.Option("--zip", metavar="KEY=V1,V2,...", help="A key that varies in step with the other --zip keys."),
]
Sample = Annotated[
    int | None, typer.Option(min=1, help="Draw this many random points, in the ranges of --log and --uniform.")
]
Log = Annotated[
    list[str] | None,
    typer.Option("--log", metavar="KEY=LOW,HIGH", help="A range for --sample, with evenly distributed logarithms."),
]
Uniform = Annotated[
    list[str] | None,
    typer.Option("--uniform", metavar="KEY=LOW,HIGH", help="A range for --sample, with evenly distributed values."),
]
SampleSeed = Annotated[int, typer.Option(min=0, help="The seed that --sample draws with.")]
Sets = Annotated[
    Path | None, typer.Option(help="A CSV file with a key in each column and a point of the grid in each row.")
]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="SUBSTRATE[:HARDWARE],...",
        help="The substrates, and the hardware of circuits, such as rate,crossbar:pcm; the first of the network's file "
        "if left out.",
    ),
]
Seeds = Annotated[int, typer.Option(min=1, help="The number of trainings of each cell, with seeds from 0.")]
Quick = Annotated[bool, typer.Option("--quick", help="Train half the epochs, on at most 500 training examples.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="The number of trainings at a time; one for each core, or 10 on a cluster, if left out."),
]
OnCluster = Annotated[
    str | None, typer.Option("--cluster", help="slurm, or local for the same jobs as processes; needs submitit.")
]
Slurm = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=VALUE,...", help="Options of the jobs, such as partition=cpu,timeout='2 h',mem_gb=4,account=x."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="The folder of the sweep; runs/sweep-NETWORK if left out. Cells that it holds are kept."),
]
MakePlan = Annotated[bool, typer.Option("--plan", help="Write the plan, plan.json, and train nothing.")]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Compare no update with the gradient, which saves time.")]
NoReference = Annotated[
    bool, typer.Option("--no-reference", help="Do not train the unvaried network to compare the cells with.")
]
Retry = Annotated[bool, typer.Option("--retry", help="Do cells that have failed before once more.")]


def sweep(
    network: Network,
    vary: Vary = None,
    zipped: Zip = None,
    sample: Sample = None,
    log: Log = None,
    uniform: Uniform = None,
    sample_seed: SampleSeed = 0,
    sets: Sets = None,
    on: On = None,
    seeds: Seeds = 1,
    epochs: Epochs = None,
    quick: Quick = False,
    settings: Settings = None,
    ideal: Ideal = None,
    data_dir: DataDir = None,
    target: Target = None,
    no_check: NoCheck = False,
    no_reference: NoReference = False,
    jobs: Jobs = None,
    cluster: OnCluster = None,
    slurm: Slurm = None,
    plan: MakePlan = False,
    retry: Retry = False,
    out: Out = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a network in many cells, each with other values of what is varied, and put the results into one table.

    `neuroeq sweep cell PLAN INDEX` does one cell of a plan, as a job of an array does.

    Example: neuroeq sweep digits --vary phases.beta=0.05,0.1,0.2 --on rate,crossbar:pcm --seeds 3 --quick
    """
    from neuroeq.runs.sweeps import plan_sweep

    where, drawn = _cluster(cluster, slurm), _drawn(sample, sample_seed, log or [], uniform or [])
    options: dict[str, Any] = {"zipped": zipped or [], "drawn": drawn, "sets": sets, "seeds": seeds, "epochs": epochs}
    options |= {"on": [] if on is None else on.split(","), "quick": quick, "out": out, "data_dir": data_dir}
    options |= {"settings": settings or [], "ideal": parts(ideal), "target": target}
    planned = plan_sweep(network, vary or [], checked=not no_check, references=not no_reference, **options)
    if plan:
        _show_plan(planned, as_json)
    else:
        show(_run(planned, jobs, where, retry, quiet), as_json)


def _drawn(sample: int | None, seed: int, log: list[str], uniform: list[str]) -> Drawn | None:
    from neuroeq.runs.sweeps import Drawn

    if sample is None and (log or uniform):
        raise SpecError("--log and --uniform: give ranges for --sample N, which is missing.")
    return None if sample is None else Drawn(sample, seed, log, uniform)


def _cluster(name: str | None, options: str | None) -> Cluster | None:
    from neuroeq.runs.sweeps import cluster_of

    if name is None and options is not None:
        raise SpecError("--slurm: gives options to --cluster slurm, which is missing.")
    return None if name is None else cluster_of(name, options or "")


def _run(planned: Plan, jobs: int | None, cluster: Cluster | None, retry: bool, quiet: bool) -> Sweep:
    """Run a plan; say how to go on if that is interrupted, and end with the status of the signal."""
    from neuroeq.runs.interruption import Interrupted
    from neuroeq.runs.sweeps import run_plan

    from .live_sweep import watch

    try:
        return run_plan(planned, jobs=jobs, cluster=cluster, retry=retry, watch=None if quiet else watch)
    except Interrupted as interruption:
        print(
            f"neuroeq: interrupted; give the same command to go on with the sweep in {interruption.path}.",
            file=sys.stderr,
        )
        raise typer.Exit(interruption.status) from None


def do_cell(
    plan: Annotated[Path, typer.Argument(help="The plan of the sweep, or its folder.")],
    index: Annotated[int, typer.Argument(min=0, help="The number of the cell in the plan, from 0.")],
    as_json: Json = False,
) -> None:
    """Do one cell of a plan, with the options of the plan, as a job of an array does.

    Example: neuroeq sweep cell runs/sweep-digits/plan.json 0
    """
    from neuroeq.runs.interruption import Interrupted
    from neuroeq.runs.sweeps import do_one, read_plan, row_of

    planned = read_plan(plan)
    try:
        row = row_of(planned, do_one(planned, index))
    except Interrupted as interruption:
        print("neuroeq: interrupted; give the same command to go on.", file=sys.stderr)
        raise typer.Exit(interruption.status) from None
    if row["status"] == "failed":
        raise SpecError(f"{row['folder']}: {row['message']}")
    if as_json:
        print_json(row)
    elif row["status"] == "done":
        print(f"done: {planned.out / row['folder']}")
    else:
        print(f"{row['status']}, by another process: {planned.out / row['folder']}")


def _show_plan(plan: Plan, as_json: bool) -> None:
    path, last = (plan.out / "plan.json").resolve(), len(plan.cells) - 1
    if as_json:
        print_json({"plan": str(path), "cells": len(plan.cells)})
        return
    print(f"{len(plan.cells)} cells, of which {len(plan.once)} differ, in {path}")
    one = f"neuroeq sweep cell {quote(str(path))}"
    print(f"one of them: {one} INDEX, with INDEX from 0 to {last}")
    print(f"all on SLURM: sbatch --array=0-{last} --wrap {quote(f'{one} $SLURM_ARRAY_TASK_ID')}")


def show(found: Sweep, as_json: bool) -> None:
    """Print a sweep as JSON, or its means over seeds as a table, and the sentences of cells that failed."""
    from rich.table import Table

    from neuroeq.runs.sweeps import CSV, shown_columns, summaries

    if as_json:
        print_json(found.as_dict())
        return
    means = summaries(found)
    columns = shown_columns(means)
    table = Table(title=found.title)
    for name in (*found.keys, "cell", "seeds"):
        table.add_column(name, no_wrap=True)
    for column in columns:
        table.add_column(column.title, justify="right")
    for mean in means[:MOST_ROWS]:
        table.add_row(
            *["" if mean.values[key] is None else str(mean.values[key]) for key in found.keys],
            mean.cell,
            str(mean.seeds),
            *[column.text(mean) for column in columns],
        )
    console(width=None if sys.stdout.isatty() else WIDTH).print(table)
    if len(means) > MOST_ROWS:
        print(f"and {len(means) - MOST_ROWS} more")
    failed = [row for row in found.rows if row["status"] == "failed"]
    for row in failed[:10]:
        print(
            f"{', '.join([row['cell'], *(f'{key}={row[key]}' for key in found.keys)])}, seed {row['seed']}: "
            f"{row['message']}"
        )
    if len(failed) > 10:
        print(f"and {len(failed) - 10} more that failed")
    print(f"table {found.path / CSV}")
    print(f"Draw it with: neuroeq plot {quote(str(found.path))}")
