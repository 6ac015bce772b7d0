"""`neuroeq export`: write a run as a file that another program reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuroeq.registry import EXPORTS

from .output import Json, print_json


def export(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    to: Annotated[str, typer.Option(help=f"The format of the file: {', '.join(EXPORTS.ours)}.")] = "spice",
    sample: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="For spice: the index of the sample in the test part; for brian2: its number among the recorded "
            "samples. 0 if left out.",
        ),
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(
            help="For spice: the strength of the nudge towards the sample's target; 0, the free phase, if left out."
        ),
    ] = None,
    leave_out: Annotated[
        str | None,
        typer.Option(metavar="bounds,refractory", help="For nir: what has no primitive there, and is left out."),
    ] = None,
    step_delays: Annotated[
        bool, typer.Option(help="For nir: write the step that spikes take from layer to layer as delays.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a run as a file that another program reads, such as a netlist for which ngspice finds the same voltages.

    Example: neuroeq export runs/xor-resistive-seed0 xor.cir --to spice

    Example: neuroeq export runs/xor-spiking-seed0 xor.nwb --to nwb
    """
    left_out = None if leave_out is None else leave_out.split(",")
    given = {"sample": sample, "beta": beta, "leave_out": left_out, "step_delays": step_delays or None}
    options = {name: value for name, value in given.items() if value is not None}
    from neuroeq.runs.exchange import export

    facts = export(run, file, to, **options)
    if as_json:
        print_json(facts)
        return
    counts = ", ".join(f"{count:,} {name}" for name, count in facts.items() if isinstance(count, int))
    print(f"{file}: {counts}" + (f"; run it with: {facts['run']}" if "run" in facts else ""))
