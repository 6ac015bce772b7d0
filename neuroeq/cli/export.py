"""`neuroeq export`: write a run in a format of other programs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from .output import Json, print_json


def export(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    to: Annotated[
        str,
        typer.Option(
            help="The format: spice (the netlist of a circuit), brian2 (a script of one sample of rates or spikes) or "
            "npz (arrays of any run)."
        ),
    ] = "spice",
    sample: Annotated[
        int | None, typer.Option(min=0, help="spice, brian2: the index of the sample in the test part; 0 if not given.")
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(help="spice: the strength of the nudge towards the sample's target; the free phase if not given."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a run for other programs: the netlist of a circuit for ngspice, or parameters and records as arrays.

    Example: neuroeq export runs/xor-resistive-seed0 xor.cir --to spice
    """
    from neuroeq.runs.exchange.formats import export as write
    from neuroeq.runs.run import load_run

    given = {"sample": sample, "beta": beta}
    content = write(load_run(run), file, to, **{name: value for name, value in given.items() if value is not None})
    if isinstance(content, bytes):
        print_json({"file": str(file), "bytes": len(content)}) if as_json else print(f"{file}: {len(content):,} bytes")
        return
    command = next(line for line in content.splitlines() if line.startswith("* Run with: "))
    command = command.removeprefix("* Run with: ").replace("FILE", shlex.quote(str(file)))
    lines = content.count("\n")
    if as_json:
        print_json({"file": str(file), "lines": lines})
    else:
        print(f"{file}: {lines:,} lines; run it with: {command}")
