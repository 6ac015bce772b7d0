"""`neuroeq import`: make a run folder of a SPICE netlist."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .output import Json, print_json


def import_(
    netlist: Annotated[Path, typer.Argument(help="The netlist, of resistors, diodes and sources.")],
    out: Annotated[Path, typer.Option(help="The run folder to make.")],
    nodes: Annotated[
        Path | None,
        typer.Option(help="A TOML file with the nodes by layer, from input to outputs; found if left out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a run of a SPICE netlist, with its conductances and its sources as the one sample; nothing in it is run.

    Example: neuroeq import amplifier.cir --out runs/amplifier
    """
    from neuroeq.runs.exchange.importing import import_netlist

    run = import_netlist(netlist, out, nodes)
    sizes = {name: layer.size for name, layer in run.network.layers.items()}
    resistors = sum(int((run.params[name] > 0).sum()) for name in run.network.projections)
    if as_json:
        print_json({"run": str(run.path), "layers": sizes, "resistors": resistors})
    else:
        layers = ", ".join(f"{name} {size}" for name, size in sizes.items())
        print(f"{run.path}: {layers}; {resistors:,} resistors. Go on with: neuroeq eval {run.path}")
