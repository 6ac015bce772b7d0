"""The figures of `neuroeq plot`: each is made of one or more axes, and written as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from neuroeq.runs.analysis import conductances, segments, weight_history
from neuroeq.runs.run import Run

from .hardware import energy, histogram
from .over_epochs import learning, saturation, weights
from .over_time import plasticity, raster, settling
from .style import STYLE


def _figure_raster(run: Run) -> Figure:
    figure = _figure(7, 4)
    raster(run, axes=figure.subplots())
    return figure


def _figure_settling(run: Run) -> Figure:
    layers = [layer for layer in run.network.layers if run.network.layers[layer].role != "input"]
    figure = _figure(7, 2.2 * len(layers))
    for layer, axes in zip(layers, np.atleast_1d(figure.subplots(len(layers), sharex=True)), strict=True):
        settling(run, layer, axes=axes)
        if layer != layers[-1]:
            axes.set_xlabel("")
    return figure


def _figure_weights(run: Run) -> Figure:
    _, history = weight_history(run)
    names = [name for name in run.network.projections if name in history]
    changed = segments(run)[-1].change
    columns = 2 if changed else 1
    figure = _figure(4.5 * columns, 2.6 * len(names))
    for name, row in zip(names, figure.subplots(len(names), columns, squeeze=False), strict=True):
        if name in changed:
            plasticity(run, name, axes=row[0])
        elif changed:
            row[0].set_axis_off()
        weights(run, name, axes=row[-1])
    return figure


def _figure_learning(run: Run) -> Figure:
    figure = _figure(4.5, 3)
    learning(run, axes=figure.subplots())
    return figure


def _figure_saturation(run: Run) -> Figure:
    figure = _figure(6, 3)
    saturation(run, axes=figure.subplots())
    return figure


def _figure_conductances(run: Run) -> Figure:
    names = list(conductances(run))
    figure = _figure(3.4 * len(names), 2.8)
    for name, axes in zip(names, np.atleast_1d(figure.subplots(1, len(names))), strict=True):
        histogram(run, name, axes=axes)
    return figure


def _figure_energy(run: Run) -> Figure:
    figure = _figure(8, 3)
    for what, axes in zip(("inference", "update"), figure.subplots(1, 2), strict=True):
        energy(run, what, axes=axes)
    return figure


FIGURES: dict[str, Callable[[Run], Figure]] = {
    "raster": _figure_raster,
    "weights": _figure_weights,
    "learning": _figure_learning,
    "settling": _figure_settling,
    "saturation": _figure_saturation,
    "conductances": _figure_conductances,
    "energy": _figure_energy,
}
"""The functions that draw the figures of `neuroeq plot`, by the name of the figure."""


def save(run: Run, names: Sequence[str] = ("all",), folder: Path | None = None) -> list[Path]:
    """Draw figures of a run and write each as PNG and SVG.

    Parameters
    ----------
    run
        The finished run whose records are drawn.
    names
        Names of `FIGURES`, or ``"all"`` for every figure that the run has data for.
    folder
        The folder to write to; the run's own folder ``figures`` if left out.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    SpecError
        If the run has no data for one of the figures.
    """
    folder = folder or run.folder.figures
    folder.mkdir(parents=True, exist_ok=True)
    if "all" in names:
        absent = set() if run.network.substrate_name == "spiking" else {"raster"}
        absent |= {"conductances"} if run.network.hardware is None else {"saturation"}
        absent |= set() if run.result.get("energy") else {"energy"}
        names = [name for name in FIGURES if name not in absent]
    written = []
    with mpl.rc_context(STYLE):
        for name in names:
            figure = FIGURES[name](run)
            for suffix in ("png", "svg"):
                written.append(folder / f"{name}.{suffix}")
                figure.savefig(written[-1], bbox_inches="tight")
    return written


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")
