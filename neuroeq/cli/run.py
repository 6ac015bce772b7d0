"""`neuroeq run`: train a network, and keep its weights and records in a run folder."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    from neuroeq.runs.costs import cost_texts

    result = run.result
    lines = [f"{run.network.title}, on substrate {result['substrate']}, seed {result['seed']}"]
    for part in ("test", "validation", "train"):
        error = result[f"{part}_error"]
        if error is not None:
            lines.append(f"  {part + ' accuracy':<20} {100 * (1 - error):6.2f} %")
    if result["stopped_at"] is not None:
        lines.append(f"  {'stopped at epoch':<20} {result['stopped_at']:6} of {run.network.training.epochs}")
    lines.append(f"  {'training':<20} {result['cpu_s']:6.1f} s CPU, {result['samples_per_s']:,.0f} samples/s")
    if result["spikes_per_inference"] is not None:
        lines.append(f"  {'spikes/inference':<20} {result['spikes_per_inference']:6.0f}")
    took = result.get("programming")
    if took is not None:
        lines.append(
            f"  {'programming':<20} {took['pulses_per_weight_per_epoch']:6.2f} pulses a weight and epoch "
            f"({took['scheme']}), each worth {100 * took['granularity_of_w_max']:.2g} % of the largest weight"
        )
    lines += [f"  {name:<20} {text}" for name, text in cost_texts(result)]
    lines.append(f"  run folder           {run.path}")
    lines.append(f"Draw its figures with: neuroeq plot {shlex.quote(str(run.path))} all")
    if not result["learned"]:
        lines.append(
            f"not learned: over the last half of the epochs the training error stayed at that of guessing, "
            f"{100 * result['chance_error']:.1f} %{_coarse(took)}"
        )
    return "\n".join(lines)


def _coarse(took: dict[str, Any] | None) -> str:
    """Return what the devices may have to do with a training that has not learned."""
    if took is None:
        return ""
    return (
        f"; one pulse is worth {took['granularity_of_w_max']:.2g} of the largest weight, and scheme "
        f"'{took['scheme']}' sent {took['pulses_per_weight_per_epoch']:.2g} pulses a weight and epoch, so compare "
        "another hardware.synapse.programming.scheme, or a smaller hardware.neuron.integrator.headroom"
    )
