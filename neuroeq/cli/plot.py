"""`neuroeq plot`: draw the figures of a finished run or of a sweep, or the window of a plasticity rule."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuroeq.errors import SpecError, unknown_name
from neuroeq.registry import FIGURES

from .output import Json, print_json

OURS = ", ".join([*FIGURES.ours, "all"])


def plot(
    run: Annotated[Path | None, typer.Argument(help="The folder of a finished run, or of a sweep.")] = None,
    figures: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"The figures to draw: {OURS}; all if left out. Those of a sweep are accuracy, "
            "gradient_cosine, energy and others; they are chosen by what was varied."
        ),
    ] = None,
    stdp: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Instead of a run, measure the plasticity window of this synapse model: its weight change against the "
            "time between two spikes; can be repeated.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The folder to write to; the run's own figures folder if left out. For a plasticity window, the "
            "folder for stdp_NAME.png and .svg, which is the current one if left out, or a single .png or .svg file."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw the figures of a run or of a sweep, or the windows of plasticity rules, each as PNG and SVG.

    Example: neuroeq plot runs/digits-spiking-seed0 raster weights

    Example: neuroeq plot --stdp two_trace
    """
    if stdp:
        _windows(stdp, run, out, as_json)
        return
    if run is None:
        raise SpecError("plot: nothing to draw; expected the folder of a finished run, or --stdp NAME.")
    if (run / "plan.json").exists() or (run / "curves.json").exists():
        _sweep(run, figures or ["all"], out, as_json)
        return
    for figure in figures or []:
        known = [*FIGURES.names(), "all"]
        if figure not in known:
            raise unknown_name("figure", figure, known, f"There are: {', '.join(known)}.")
    from neuroeq.runs.run import load_run
    from neuroeq.show import plots

    _say(plots.save(load_run(run), figures or ["all"], out), as_json)


def _sweep(folder: Path, figures: list[str], out: Path | None, as_json: bool) -> None:
    """Draw the figures of a sweep."""
    from neuroeq.runs.sweeps import open_sweep
    from neuroeq.show import plots

    _say(plots.save_sweep(open_sweep(folder), figures, out), as_json)


def _say(written: list[Path], as_json: bool) -> None:
    paths = [str(path) for path in written]
    if as_json:
        print_json({"figures": paths})
    else:
        print("\n".join(paths))


def _windows(names: list[str], run: Path | None, out: Path | None, as_json: bool) -> None:
    """Measure and draw windows; the JSON object holds one window, or a list `windows` if there are several."""
    if run is not None:
        raise SpecError(f"--stdp: measures a synapse model, not the run '{run}'; leave one out (--stdp is repeatable).")
    if out is not None and out.suffix in (".png", ".svg") and len(names) > 1:
        raise SpecError(f"--out: '{out}' is one file for {len(names)} windows; expected a folder.")
    from neuroeq.measures.windows import measure
    from neuroeq.show.plots import save_window

    windows = [
        {
            "synapse": window.synapse,
            "delta_ms": (1e3 * window.delta).tolist(),
            "change": window.change.tolist(),
            "change_at_later_spike": window.at_spike.tolist(),
            "files": [str(path) for path in save_window(window, out)],
        }
        for window in [measure(name) for name in names]
    ]
    if as_json:
        print_json(windows[0] if len(windows) == 1 else {"windows": windows})
    else:
        print("\n".join(path for window in windows for path in window["files"]))
