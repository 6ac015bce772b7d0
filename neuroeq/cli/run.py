"""`neuroeq run`: train a network and keep everything in a run folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import Json, print_json

if TYPE_CHECKING:
    from neuroeq.learning.state import Step
    from neuroeq.runs.run import Run


def run(
    network: Annotated[str, typer.Argument(help="A network, by name or by the path of its file.")],
    substrate: Annotated[
        str | None,
        typer.Option(help="rate, spiking, crossbar or resistive; the first of the network's file if left out."),
    ] = None,
    hardware: Annotated[
        str | None,
        typer.Option(help="What a circuit is made of, by name or path; the file's own, or unbounded, if left out."),
    ] = None,
    ideal: Annotated[
        str | None,
        typer.Option(metavar="PART,...", help="Parts of the hardware to idealise: window, diodes, amplifiers, wires."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of start weights, example order, start values and noise; 0 if left out.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the network's.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the network, such as phases.beta=0.5; repeatable."),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder that holds data sets; $NEUROEQ_DATA if left out.")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="stepper, compiled (C++ for rate and spiking networks; if left out, from 200,000 samples on), "
            "reference (Brian2's Network.run), or operating_point (resistor networks)."
        ),
    ] = None,
    target: Annotated[str | None, typer.Option(help="How equations become code: auto, cython or numpy.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; if left out, a new one under runs.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network, test it once, and keep everything in a run folder.

    Example: neuroeq run digits --substrate spiking --set substrate.spiking.neuron=lif
    """
    from neuroeq.runs.interruption import Interrupted
    from neuroeq.runs.training import train

    with _progress(quiet) as progress:
        try:
            finished = train(
                network,
                substrate,
                seed=seed,
                epochs=epochs,
                hardware=hardware,
                ideal=ideal.split(",") if ideal else (),
                settings=settings or [],
                data_dir=data_dir,
                engine=engine,
                target=target,
                out=out,
                resume=resume,
                progress=progress,
            )
        except Interrupted as interruption:
            print(f"neuroeq: {interruption} with --resume --out {interruption.path}.", file=sys.stderr)
            raise typer.Exit(130) from None
    if as_json:
        print_json({**finished.result, "path": str(finished.path)})
    else:
        print(_summary(finished))


def _summary(run: Run) -> str:
    result = run.result
    lines = [f"{run.network.title}, on substrate {result['substrate']}, seed {result['seed']}"]
    for part in ("test", "validation", "train"):
        error = result[f"{part}_error"]
        if error is not None:
            lines.append(f"  {part + ' accuracy':<20} {100 * (1 - error):6.2f} %")
    lines.append(f"  {'training':<20} {result['cpu_s']:6.1f} s CPU, {result['samples_per_s']:,.0f} samples/s")
    if result["spikes_per_inference"] is not None:
        lines.append(f"  {'spikes/inference':<20} {result['spikes_per_inference']:6.0f}")
    lines.append(f"  run folder           {run.path}")
    lines.append(f"Draw its figures with: neuroeq plot {run.path} all")
    return "\n".join(lines)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[Step, dict[str, float] | None], None] | None]:
    """Show a bar on stderr, and a line an epoch where it is no terminal."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[errors]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("preparing", total=None, errors="")

        def show(step: Step, row: dict[str, float] | None) -> None:
            bar.update(task, description=f"epoch {step.epoch + 1}", total=step.n_epochs * step.n_batches)
            bar.update(task, completed=step.epoch * step.n_batches + step.batch + 1)
            if row is not None:
                errors = _errors(row)
                bar.update(task, errors=errors)
                if not console.is_terminal and _worth_a_line(step):
                    print(f"epoch {step.epoch + 1}/{step.n_epochs}: {errors}", file=sys.stderr)

        yield show


def _errors(row: dict[str, float]) -> str:
    parts = ("train", "validation")
    return ", ".join(f"{part} error {100 * row[f'{part}_error']:.2f} %" for part in parts if f"{part}_error" in row)


def _worth_a_line(step: Step) -> bool:
    """Whether an epoch is one of about twenty."""
    every = max(1, step.n_epochs // 20)
    return (step.epoch + 1) % every == 0 or step.epoch + 1 == step.n_epochs
