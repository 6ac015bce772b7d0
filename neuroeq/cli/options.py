"""The arguments and options that several verbs share, each with its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SUBSTRATES = "rate, spiking, oscillator, crossbar or resistive"

Network = Annotated[str, typer.Argument(help="The network, by name or by the path of its file.")]
FinishedRun = Annotated[Path, typer.Argument(help="The folder of a finished run.")]
Hardware = Annotated[
    str | None,
    typer.Option(
        help="The hardware of a circuit or of oscillators, by name or path; the network's or the run's own if left out."
    ),
]
Ideal = Annotated[
    str | None,
    typer.Option(
        metavar="PART,...",
        help="The parts of the hardware to idealise: window, devices, diodes, amplifiers, wires, array, periphery, "
        "nudge or oscillators.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key of the network's file, such as phases.beta=0.5, or of the hardware's file, with the prefix "
        "'hardware.'; can be repeated.",
    ),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="KEY=V1,V2,...",
        help="A key that varies, as --set takes it, and its values, such as phases.beta=0.05,0.1,0.2 or "
        "hardware.synapse.levels=2,4,...,256; given again, all combinations are made.",
    ),
]
Epochs = Annotated[
    int | None, typer.Option(min=1, help="The number of epochs to train; the network's own if left out.")
]
DataDir = Annotated[
    Path | None, typer.Option(help="The folder that contains the data sets; $NEUROEQ_DATA if left out.")
]
Target = Annotated[
    str | None,
    typer.Option(
        help="How Brian2 turns equations into code: auto, cython or numpy; $NEUROEQ_TARGET or auto if left out."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def parts(text: str | None) -> list[str]:
    """Return the items of a list that is separated by commas, without spaces around them."""
    return [part.strip() for part in text.split(",")] if text else []
