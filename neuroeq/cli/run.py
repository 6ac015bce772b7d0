"""`neuroeq run`: train a network, and keep its weights and records in a run folder."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import SUBSTRATES, DataDir, Epochs, Hardware, Ideal, Network, Quiet, Settings, Target, parts
from .output import Json, print_json

if TYPE_CHECKING:
    from neuroeq.runs.run import Run


Seed = Annotated[
    int | None,
    typer.Option(min=0, help="The seed of start weights, example order, start values and noise; 0 if left out."),
]
Engine = Annotated[
    str | None,
    typer.Option(
        help="What runs the simulation: stepper; compiled, which trains rates, spikes and crossbars in C++ and is "
        "the default where that saves time; reference, which is Brian2's Network.run; or operating_point, for "
        "resistor networks."
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=64,
        help="Threads that compiled training shares large layers among; results are the same.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="The run folder; if left out, a new one under runs, named after network, substrate and seed."),
]
StartFrom = Annotated[
    Path | None,
    typer.Option(metavar="RUN", help="The folder of a run whose weights training starts from, instead of drawn ones."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in the run folder.")]
Record = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE,...",
        help="What to record of a few samples, such as layer=hidden,units=0:20,class=3,samples=5; the keys are layer, "
        "units, class, samples, index and part. Given again, further layers are recorded.",
    ),
]
Substrate = Annotated[str | None, typer.Option(help=f"{SUBSTRATES}; the first of the network's file if left out.")]


def run(
    network: Network,
    substrate: Substrate = None,
    hardware: Hardware = None,
    ideal: Ideal = None,
    seed: Seed = None,
    epochs: Epochs = None,
    settings: Settings = None,
    data_dir: DataDir = None,
    engine: Engine = None,
    threads: Threads = None,
    target: Target = None,
    start_from: StartFrom = None,
    record: Record = None,
    out: Out = None,
    resume: Resume = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a network, test it once, and keep its weights and records in a run folder.

    Example: neuroeq run digits --substrate spiking --set substrate.spiking.neuron=lif
    """
    from neuroeq.describe.spec import recording
    from neuroeq.runs.interruption import Interrupted
    from neuroeq.runs.progress import shown
    from neuroeq.runs.training import train

    with shown(not quiet) as progress:
        try:
            finished = train(
                network,
                substrate,
                seed=seed,
                epochs=epochs,
                hardware=hardware,
                ideal=parts(ideal),
                settings=[*(settings or []), {"record": recording(record or [])}],
                data_dir=data_dir,
                engine=engine,
                threads=threads,
                target=target,
                start_from=start_from,
                out=out,
                resume=resume,
                progress=progress,
            )
        except Interrupted as interruption:
            print(f"neuroeq: {_how_to_resume(interruption.path, target)}", file=sys.stderr)
            raise typer.Exit(interruption.status) from None
    if as_json:
        print_json({**finished.result, "path": str(finished.path)})
    else:
        print(_summary(finished))


def _how_to_resume(path: Path | None, target: str | None) -> str:
    """Return the last line of a run that was stopped, with the whole command that goes on with it."""
    if path is None:
        return "interrupted before training began; nothing is kept."
    from neuroeq.runs.records import resuming

    return f"interrupted; go on with: {resuming(path, target)}"


def _summary(run: Run) -> str:
    """Return what is printed of a finished run."""
    from neuroeq.runs.summary import not_learned, summary

    hint = f"Draw its figures with: neuroeq plot {shlex.quote(str(run.path))} all"
    return "\n".join([*summary(run.network, run.result, run.path), hint, *not_learned(run.result)])
