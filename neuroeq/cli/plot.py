"""`neuroeq plot`: draw the figures of a finished run or of a sweep, or the window of a plasticity rule."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from neuroeq.errors import SpecError, unknown_name
from neuroeq.registry import FIGURES

from .options import parts
from .output import Json, print_json

FORMATS, OTHERS = ("png", "svg", "pdf"), ("jpg", "jpeg", "eps", "ps", "tif", "tiff", "gif", "webp")
SIZE = re.compile(r"(\d{1,5}(?:\.\d+)?) *[x×] *(\d{1,5}(?:\.\d+)?) *(mm|cm|in)")
PER_INCH = {"mm": 25.4, "cm": 2.54, "in": 1.0}
SMALLEST, LARGEST = 20 / 25.4, 1000 / 25.4
"""The sizes that figures may have [in]."""
OURS = ", ".join([*FIGURES.ours, "all"])


Folder = Annotated[Path | None, typer.Argument(help="The folder of a finished run, or of a sweep.")]
Figures = Annotated[
    list[str] | None,
    typer.Argument(
        help=f"The figures to draw: {OURS}; all if left out. Those of a sweep are accuracy, "
        "gradient_cosine, energy and others; they are chosen by what was varied."
    ),
]
Windows = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Instead of a run, measure the plasticity window of this synapse model: its weight change against the "
        "time between two spikes; can be repeated.",
    ),
]
Sample = Annotated[int | None, typer.Option(min=0, help="The number of the sample among the recorded ones, from 0.")]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="The first time to show, such as '20 ms'.")]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="The last time to show, such as '80 ms'.")]
Units = Annotated[
    str | None,
    typer.Option(
        metavar="LAYER=UNITS,...",
        help="The units to show, such as hidden=0:30,output=0:10; the end of a range is not part of it.",
    ),
]
Size = Annotated[
    str | None,
    typer.Option(metavar="WxH", help="The size of the file, such as 85x60mm or 3.3x2.4in; the figure's if left out."),
]
Formats = Annotated[
    str | None,
    typer.Option("--format", metavar="FORMAT,...", help="The formats to write: png, svg or pdf; png,svg if left out."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="The folder to write to, or the file of a single figure, whose suffix says its format; the run's own "
        "figures folder if left out. Plasticity windows go to the current folder, as stdp_NAME.png and .svg."
    ),
]


def plot(
    run: Folder = None,
    figures: Figures = None,
    stdp: Windows = None,
    sample: Sample = None,
    start: From = None,
    end: To = None,
    units: Units = None,
    size: Size = None,
    formats: Formats = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Draw the figures of a run or of a sweep, or the windows of plasticity rules, as PNG and SVG or as PDF.

    Example: neuroeq plot runs/digits-spiking-seed0 raster weights

    Example: neuroeq plot runs/digits-spiking-seed0 raster --from "20 ms" --size 85x60mm --out raster.pdf

    Example: neuroeq plot --stdp two_trace
    """
    view = {"sample": sample, "start": start, "end": end, "units": units}
    asked = {key: value for key, value in view.items() if value is not None}
    look: dict[str, Any] = {"formats": _formats(formats, out), "size": _size(size)}
    if stdp:
        _none_of(asked, "a plasticity window")
        _windows(stdp, run, out, look, as_json)
        return
    if run is None:
        raise SpecError("plot: nothing to draw; expected the folder of a finished run, or --stdp NAME.")
    if (run / "plan.json").exists() or (run / "curves.json").exists():
        _none_of(asked, "a sweep")
        _sweep(run, figures or ["all"], out, look, as_json)
        return
    for figure in figures or []:
        known = [*FIGURES.names(), "all"]
        if figure not in known:
            raise unknown_name("figure", figure, known, f"There are: {', '.join(known)}.")
    from neuroeq.runs.run import load_run
    from neuroeq.show import plots

    seen = plots.View(sample, start, end, _units(units))
    _say(plots.save(load_run(run), figures or ["all"], out, view=seen, **look), as_json)


def _formats(text: str | None, out: Path | None) -> list[str]:
    """Return the formats to write.

    Raises
    ------
    SpecError
        If there is no such format, or the file to write is of another one.
    """
    given = parts(text) or ["png", "svg"]
    for each in given:
        if each not in FORMATS:
            raise SpecError(f"--format is '{each}'; expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.")
    suffix = out.suffix[1:] if out is not None else ""
    if text is not None and suffix in FORMATS and given != [suffix]:
        raise SpecError(f"--out {out}: is a file of format {suffix}, and --format is '{text}'; leave --format out.")
    if suffix in OTHERS:
        raise SpecError(
            f"--out {out}: figures are not written as {suffix}; expected {', '.join(FORMATS)}, or a folder."
        )
    return given


def _size(text: str | None) -> tuple[float, float] | None:
    """Return a width and a height [in].

    Raises
    ------
    SpecError
        If the text is no size, or one that no page has.
    """
    if text is None:
        return None
    match = SIZE.fullmatch(text.strip())
    inches = [float(number) / PER_INCH[match[3]] for number in match.groups()[:2]] if match else []
    if not inches or not all(SMALLEST <= each <= LARGEST for each in inches):
        raise SpecError(f"--size is '{text}'; expected a width and a height of 20 to 1000 mm, such as 85x60mm.")
    return inches[0], inches[1]


def _units(text: str | None) -> dict[str, str]:
    """Return the units to show, by layer.

    Raises
    ------
    SpecError
        If an entry is not a layer and its units.
    """
    found = {}
    for part in parts(text):
        layer, equals, which = (each.strip() for each in part.partition("="))
        if not (layer and equals and which):
            raise SpecError(f"--units is '{text}'; expected a layer and its units, such as hidden=0:30,output=0:10.")
        found[layer] = which
    return found


def _none_of(asked: dict[str, Any], what: str) -> None:
    """Refuse options that are for recorded samples."""
    if asked:
        from neuroeq.show.plots.figures import OPTIONS

        key = next(iter(asked))
        raise SpecError(
            f"--{OPTIONS.get(key, key)}: is for the recorded samples of a run; {what} has none, so leave it out."
        )


def _sweep(folder: Path, figures: list[str], out: Path | None, look: dict[str, Any], as_json: bool) -> None:
    """Draw the figures of a sweep."""
    from neuroeq.runs.sweeps import open_sweep
    from neuroeq.show import plots

    _say(plots.save_sweep(open_sweep(folder), figures, out, **look), as_json)


def _say(written: list[Path], as_json: bool) -> None:
    paths = [str(path) for path in written]
    if as_json:
        print_json({"figures": paths})
    else:
        print("\n".join(paths))


def _windows(names: list[str], run: Path | None, out: Path | None, look: dict[str, Any], as_json: bool) -> None:
    """Measure and draw windows; the JSON object holds one window, or a list `windows` if there are several."""
    if run is not None:
        raise SpecError(f"--stdp: measures a synapse model, not the run '{run}'; leave one out (--stdp is repeatable).")
    if out is not None and out.suffix[1:] in FORMATS and len(names) > 1:
        raise SpecError(f"--out: '{out}' is one file for {len(names)} windows; expected a folder.")
    from neuroeq.measures.windows import measure
    from neuroeq.show.plots import save_window

    windows = [
        {
            "synapse": window.synapse,
            "delta_ms": (1e3 * window.delta).tolist(),
            "change": window.change.tolist(),
            "change_at_later_spike": window.at_spike.tolist(),
            "files": [str(path) for path in save_window(window, out, **look)],
        }
        for window in [measure(name) for name in names]
    ]
    if as_json:
        print_json(windows[0] if len(windows) == 1 else {"windows": windows})
    else:
        print("\n".join(path for window in windows for path in window["files"]))
