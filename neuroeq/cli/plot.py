"""`neuroeq plot`: draw the figures of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import unknown_name
from .output import Json, print_json

FIGURES = ("raster", "weights", "learning", "settling", "saturation", "conductances", "energy", "all")


def plot(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    figures: Annotated[list[str] | None, typer.Argument(help=f"{', '.join(FIGURES)}; all if left out.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to; the run's figures folder if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Draw figures of a run, each as PNG and SVG.

    Example: neuroeq plot runs/digits-spiking-seed0 raster weights
    """
    for figure in figures or []:
        if figure not in FIGURES:
            raise unknown_name("figure", figure, FIGURES, f"There are: {', '.join(FIGURES)}.")
    from .. import plots
    from ..runs import load_run

    written = [str(path) for path in plots.save(load_run(run), figures or ["all"], out)]
    if as_json:
        print_json({"figures": written})
    else:
        print("\n".join(written))
