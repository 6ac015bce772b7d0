"""The figures of `neuroeq plot`: put together from axes, written as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ..analysis import segments, weight_history
from ..runs import Run
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
    figure = _figure(9, 2.6 * len(names))
    grid = figure.subplots(len(names), 2, squeeze=False)
    for name, (left, right) in zip(names, grid, strict=True):
        if name in changed:
            plasticity(run, name, axes=left)
        else:
            left.set_axis_off()
        weights(run, name, axes=right)
    return figure


def _figure_learning(run: Run) -> Figure:
    figure = _figure(4.5, 3)
    learning(run, axes=figure.subplots())
    return figure


def _figure_saturation(run: Run) -> Figure:
    figure = _figure(6, 3)
    saturation(run, axes=figure.subplots())
    return figure


FIGURES: dict[str, Callable[[Run], Figure]] = {
    "raster": _figure_raster,
    "weights": _figure_weights,
    "learning": _figure_learning,
    "settling": _figure_settling,
    "saturation": _figure_saturation,
}
"""The figures of `neuroeq plot`."""


def save(run: Run, names: Sequence[str] = ("all",), folder: Path | None = None) -> list[Path]:
    """Draw figures of a run and write each as PNG and SVG.

    Parameters
    ----------
    run
        Finished.
    names
        Of `FIGURES`; ``"all"`` for all that the run has.
    folder
        Where to; the run's ``figures`` if left out.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    SpecError
        If a figure is asked for that the run does not have.
    """
    folder = folder or run.folder.figures
    folder.mkdir(parents=True, exist_ok=True)
    if "all" in names:
        spiking = run.network.substrate_name == "spiking"
        names = [name for name in FIGURES if spiking or name != "raster"]
    written = []
    with mpl.rc_context(STYLE):
        for name in names:
            figure = FIGURES[name](run)
            for suffix in ("png", "svg"):
                written.append(folder / f"{name}.{suffix}")
                figure.savefig(written[-1])
    return written


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")
