"""`neuroeq export`: write a trained circuit as a file for a circuit simulator."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from neuroeq.errors import SpecError

from .output import Json, print_json


def export(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run on a circuit.")],
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    to: Annotated[str, typer.Option(help="The format of the file, which must be spice.")] = "spice",
    sample: Annotated[int, typer.Option(min=0, help="The index of the sample in the test part.")] = 0,
    beta: Annotated[
        float, typer.Option(help="The strength of the nudge towards the sample's target; 0 for the free phase.")
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """Write the netlist of a trained circuit with the inputs of one sample, for which ngspice finds the same voltages.

    Example: neuroeq export runs/xor-resistive-seed0 xor.cir --to spice
    """
    if to != "spice":
        raise SpecError(f"--to is '{to}'; expected 'spice'.")
    from neuroeq.runs.exchange.spice import spice
    from neuroeq.runs.records.files import atomic
    from neuroeq.runs.run import load_run

    text = spice(load_run(run), sample, beta)
    try:
        atomic(file, text)
    except OSError as error:
        raise SpecError(f"{file}: cannot be written ({error.strerror}); name a file in a folder that exists.") from None
    command = next(line for line in text.splitlines() if line.startswith("* Run with: ")).removeprefix("* Run with: ")
    command = command.replace("FILE", shlex.quote(str(file)))
    lines = text.count("\n")
    if as_json:
        print_json({"file": str(file), "lines": lines})
    else:
        print(f"{file}: {lines:,} lines; run it with: {command}")
