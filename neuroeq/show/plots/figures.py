"""The figures of `neuroeq plot`: each is made of one or more axes, and written as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from neuroeq.describe.network import oscillating
from neuroeq.registry import FIGURES
from neuroeq.runs.analysis import conductances, segments, state_of, weight_history
from neuroeq.runs.run import Run

from .hardware import energy, histogram
from .maps import height_of, kernels, mapped, maps
from .over_epochs import learning, saturation, weights
from .over_time import plasticity, raster, settling
from .phases import coherence, phases
from .style import STYLE, write


@dataclass(frozen=True)
class RunFigure:
    """A figure of a finished run.

    Parameters
    ----------
    draw
        A function of the run that returns the figure.
    suits
        Whether a run has what it shows, for ``neuroeq plot RUN all``.
    """

    draw: Callable[[Run], Figure]
    suits: Callable[[Run], bool] = lambda run: True

    def __call__(self, run: Run) -> Figure:
        """Return the figure of a run."""
        return self.draw(run)


def _figure_of(name: str) -> RunFigure:
    """Return a figure by name; a bare function of a run suits every run."""
    figure = FIGURES.get(name)
    return figure if isinstance(figure, RunFigure) else RunFigure(figure)


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


def _figure_kernels(run: Run) -> Figure:
    shapes = [run.params[name].shape for name in run.network.convolutions[:1]]
    figure = _figure(7, height_of(shapes[0][0] * shapes[0][1]) if shapes else 3)
    kernels(run, axes=figure.subplots())
    return figure


def _figure_maps(run: Run) -> Figure:
    layers = mapped(run.network)
    heights = [height_of((run.network.layers[layer].shape or (1,))[0]) for layer in layers]
    figure = _figure(7, sum(heights) if heights else 3)
    rows = figure.subplots(len(layers) or 1, height_ratios=heights or None)
    if not layers:
        maps(run, axes=rows)
    for layer, axes in zip(layers, np.atleast_1d(rows), strict=False):
        maps(run, layer, axes=axes)
    return figure


def _figure_phases(run: Run) -> Figure:
    layers = oscillating(run.network)
    if not layers:
        phases(run, axes=_figure(3, 3).subplots())
    samples = segments(run)[0].states[layers[0]][state_of(run, layers[0])].shape[1]
    figure = _figure(2.6 * max(2, len(layers)) + 1.8, 2.7 * samples + 2.4)
    parts: Any = figure.subfigures(2, height_ratios=[2.7 * samples, 2.4])
    above, below = parts
    for sample, row in enumerate(above.subplots(samples, len(layers), squeeze=False)):
        for layer, axes in zip(layers, row, strict=True):
            phases(run, layer, sample, axes=axes)
            axes.set_title(f"{axes.get_title()}, sample {sample}")
            legend = axes.get_legend()
            if legend is not None and (sample or layer != layers[-1]):
                legend.remove()
    coherence(run, axes=below.subplots())
    return figure


RASTER = RunFigure(_figure_raster, lambda run: run.network.kind.spikes)
WEIGHTS = RunFigure(_figure_weights)
LEARNING = RunFigure(_figure_learning)
SETTLING = RunFigure(_figure_settling)
SATURATION = RunFigure(_figure_saturation, lambda run: not (run.network.kind.hardware or oscillating(run.network)))
CONDUCTANCES = RunFigure(_figure_conductances, lambda run: run.network.kind.on_devices)
ENERGY = RunFigure(_figure_energy, lambda run: bool(run.result.get("energy")))


KERNELS = RunFigure(_figure_kernels, lambda run: bool(run.network.convolutions))
MAPS = RunFigure(_figure_maps, lambda run: bool(mapped(run.network)))
PHASES = RunFigure(_figure_phases, lambda run: bool(oscillating(run.network)))


def save(run: Run, names: Sequence[str] = ("all",), folder: Path | None = None) -> list[Path]:
    """Draw figures of a run and write each as PNG and SVG.

    Parameters
    ----------
    run
        The finished run whose records are drawn.
    names
        Names of figures, or ``"all"`` for every figure that the run has data for.
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
        names = [name for name in FIGURES.names() if _figure_of(name).suits(run)]
    written = []
    with mpl.rc_context(STYLE):
        for name in names:
            figure = _figure_of(name)(run)
            for suffix in ("png", "svg"):
                written.append(folder / f"{name}.{suffix}")
                write(figure, written[-1])
    return written


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")
