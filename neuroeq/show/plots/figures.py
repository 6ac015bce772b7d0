"""The figures of `neuroeq plot`: each is made of one or more axes, and written as PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neuroeq.describe.network import oscillating
from neuroeq.describe.selection import Units
from neuroeq.errors import SpecError, unknown_name
from neuroeq.registry import FIGURES
from neuroeq.runs.analysis import conductances, segments, weight_history
from neuroeq.runs.analysis import samples as recorded_samples
from neuroeq.runs.run import Run

from .hardware import energy, histogram
from .maps import height_of, kernels, mapped, maps
from .over_epochs import learning, saturation, weights
from .over_time import plasticity, raster, settling
from .phases import coherence, phases
from .style import files_of, set_title, styled, write_all


@dataclass(frozen=True)
class View:
    """What a figure of recorded samples shows.

    Parameters
    ----------
    sample
        Number of the sample among the recorded ones; the first, or all where they stand side by side, if left out.
    start, end
        The first and the last time to show, in seconds or as ``"20 ms"``; all of the phases if left out.
    units
        The units to show, by layer, such as ``{"hidden": "0:30"}``.
    """

    sample: int | None = None
    start: float | str | None = None
    end: float | str | None = None
    units: Mapping[str, Units] = field(default_factory=dict)


WHOLE = View()
OPTIONS = {"start": "from", "end": "to"}
"""The options of `neuroeq plot` that fields of `View` come from, where they have another name."""


@dataclass(frozen=True)
class RunFigure:
    """A figure of a finished run.

    Parameters
    ----------
    draw
        A function of the run that returns the figure.
    suits
        Whether a run has what it shows, for ``neuroeq plot RUN all``.
    takes
        The fields of `View` that `draw` heeds, if it takes one as its second argument.
    """

    draw: Callable[..., Figure]
    suits: Callable[[Run], bool] = lambda run: True
    takes: tuple[str, ...] = ()

    def __call__(self, run: Run, view: View = WHOLE) -> Figure:
        """Return the figure of a run."""
        return self.draw(run, view) if self.takes else self.draw(run)


def _figure_of(name: str) -> RunFigure:
    """Return a figure by name; a bare function of a run suits every run."""
    figure = FIGURES.get(name)
    return figure if isinstance(figure, RunFigure) else RunFigure(figure)


def _figure_raster(run: Run, view: View) -> Figure:
    figure = _figure(7, 4)
    raster(run, view.sample or 0, axes=figure.subplots(), start=view.start, end=view.end, units=view.units)
    return figure


def _figure_settling(run: Run, view: View) -> Figure:
    layers = [layer for layer in segments(run)[0].states if run.network.layers[layer].role != "input"]
    for layer in view.units:
        if layer not in layers:
            raise unknown_name("recorded layer", layer, layers, f"There are: {', '.join(layers)}.")
    figure = _figure(7, 2.2 * len(layers))
    for layer, axes in zip(layers, np.atleast_1d(figure.subplots(len(layers), sharex=True)), strict=True):
        which = (view.sample or 0, "after", axes)
        settling(run, layer, *which, start=view.start, end=view.end, units=view.units.get(layer))
        if layer != layers[0]:  # the names above the first axes are those of all
            axes.set_title("")
            for name in axes.texts:
                name.set_visible(False)
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


def _figure_maps(run: Run, view: View) -> Figure:
    layers = mapped(run.network)
    heights = [height_of((run.network.layers[layer].shape or (1,))[0]) for layer in layers]
    figure = _figure(7, sum(heights) if heights else 3)
    rows = figure.subplots(len(layers) or 1, height_ratios=heights or None)
    if not layers:
        maps(run, axes=rows)
    for layer, axes in zip(layers, np.atleast_1d(rows), strict=False):
        maps(run, layer, view.sample or 0, axes=axes)
    return figure


def _figure_phases(run: Run, view: View) -> Figure:
    layers = [layer for layer in oscillating(run.network) if layer in segments(run)[0].states]
    if not layers:
        phases(run, axes=_figure(3, 3).subplots())
    samples = range(len(recorded_samples(run))) if view.sample is None else [view.sample]
    figure = _figure(2.6 * max(2, len(layers)) + 1.8, 2.7 * len(samples) + 2.4)
    parts: Any = figure.subfigures(2, height_ratios=[2.7 * len(samples), 2.4])
    above, below = parts
    for sample, row in zip(samples, above.subplots(len(samples), len(layers), squeeze=False), strict=True):
        for layer, axes in zip(layers, row, strict=True):
            phases(run, layer, sample, axes=axes)
            named = f"{layer}, sample {sample}"
            set_title(axes, f"{axes.get_title()}, sample {sample}", named, named.replace(", ", "\n"))
            legend = axes.get_legend()
            if legend is not None and (sample != samples[0] or layer != layers[-1]):
                legend.remove()
    coherence(run, view.sample, axes=below.subplots())
    return figure


TIMES = ("sample", "start", "end", "units")
RASTER = RunFigure(_figure_raster, lambda run: run.network.kind.spikes, TIMES)
WEIGHTS = RunFigure(_figure_weights)
LEARNING = RunFigure(_figure_learning)
SETTLING = RunFigure(_figure_settling, takes=TIMES)
SATURATION = RunFigure(_figure_saturation, lambda run: not (run.network.kind.hardware or oscillating(run.network)))
CONDUCTANCES = RunFigure(_figure_conductances, lambda run: run.network.kind.on_devices)
ENERGY = RunFigure(_figure_energy, lambda run: bool(run.result.get("energy")))
KERNELS = RunFigure(_figure_kernels, lambda run: bool(run.network.convolutions))
MAPS = RunFigure(_figure_maps, lambda run: bool(mapped(run.network)), ("sample",))
PHASES = RunFigure(_figure_phases, lambda run: bool(oscillating(run.network)), ("sample",))


def save(
    run: Run,
    names: Sequence[str] = ("all",),
    folder: str | Path | None = None,
    *,
    formats: Sequence[str] = ("png", "svg"),
    size: tuple[float, float] | None = None,
    view: View = WHOLE,
) -> list[Path]:
    """Draw figures of a run and write each in some formats.

    Parameters
    ----------
    run
        The finished run whose records are drawn.
    names
        Names of figures, or ``"all"`` for every figure that the run has data for.
    folder
        The folder to write to; the run's own folder ``figures`` if left out. For a single figure, also a file, whose
        suffix says its format.
    formats
        Formats of the files: ``"png"``, ``"svg"`` or ``"pdf"``.
    size
        Width and height of the files [in]; the figure's own, cut to what is drawn, if left out.
    view
        Which sample, times and units figures of recorded samples show.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    SpecError
        If the run has no data for one of the figures, or a figure does not heed what the view asks for.
    """
    folder = folder or run.folder.figures
    asked = [each.name for each in fields(View) if getattr(view, each.name) not in (None, {})]
    if "all" in names:
        figures = {name: _figure_of(name) for name in FIGURES.names()}
        names = [name for name, each in figures.items() if each.suits(run) and set(asked) <= set(each.takes)]
    files = files_of(names, folder, formats)
    written = list[Path]()
    with styled(size and size[0]):
        for name in names:
            figure = _figure_of(name)
            _check_heeded(name, figure, asked)
            written += write_all(figure(run, view), files[name], size)
    return written


def _check_heeded(name: str, figure: RunFigure, asked: list[str]) -> None:
    """Refuse a view that a figure does not heed."""
    for key in asked:
        if key not in figure.takes:
            heed = [each for each in FIGURES.names() if key in _figure_of(each).takes]
            raise SpecError(
                f"figure '{name}' has no --{OPTIONS.get(key, key)}; those that have it are {', '.join(heed)}."
            )


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")
