"""Figures of recorded phases over simulated time: spikes, states, and the changes that synapses accumulate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from neuroeq.describe.network import oscillating
from neuroeq.describe.selection import Units
from neuroeq.errors import SpecError
from neuroeq.runs.analysis import Segment, segments, state_of
from neuroeq.runs.records.recorded import check_recorded, columns_of, recorded_sample
from neuroeq.runs.run import Run
from neuroeq.units import si

from .bands import Band, bands_of, chosen_units, number, spread
from .over_epochs import chosen_projection
from .style import COLOURS, new_axes, over_time, set_title, set_ylabel, time_scale

FEW, MOST_LINES = 10, 512
"""Most units of a layer that have a colour each; most units whose states are drawn."""


def raster(
    run: Run,
    sample: int = 0,
    when: str = "after",
    axes: Axes | None = None,
    *,
    start: float | str | None = None,
    end: float | str | None = None,
    units: Mapping[str, Units] | None = None,
) -> Axes:
    """Draw the spikes of one sample, with the layers above each other and the phases shaded.

    Parameters
    ----------
    run
        A finished run of a spiking network.
    sample
        Number of the sample among the recorded ones.
    when
        Whether the sample was recorded ``"before"`` or ``"after"`` training.
    axes
        The axes to draw into; those of a new figure if left out.
    start, end
        The first and the last time to show, in seconds or as ``"20 ms"``; all of the phases if left out.
    units
        By layer, the units to show, such as ``{"hidden": "0:30"}``; a selection of large layers if left out.

    Raises
    ------
    SpecError
        If the run has no spikes, or lacks what is asked for.
    """
    axes = axes or new_axes()
    phases, shown = segments(run, when), recorded_sample(run.folder, sample)
    layers = [layer for layer in run.network.layers if layer in phases[0].spikes]
    if not layers:
        raise SpecError(
            f"{run.path}: substrate '{run.network.substrate_name}' has no spikes; plot its settling instead."
        )
    first, last = span(phases, start, end, f"{run.path}")
    bands = bands_of(run, phases[0], layers, units or {})
    for index, (layer, band) in enumerate(zip(layers, bands, strict=True)):
        for phase in phases:
            times, samples, numbers = phase.spikes[layer]
            seen = (samples == sample) & np.isin(numbers, band.units) & (times >= first) & (times <= last)
            _draw_spikes(axes, times[seen] * time_scale(phases)[0], numbers[seen], band, COLOURS[index % len(COLOURS)])
        if index:
            axes.axhline(band.bottom - band.gap / 2, color="0.6", linewidth=0.6)
        number(axes, band)
    axes.set_yticks([band.bottom + band.height / 2 for band in bands])
    axes.set_yticklabels([f"{layer}\n{band.caption}" for layer, band in zip(layers, bands, strict=True)])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-bands[0].gap / 2, bands[-1].bottom + bands[-1].height + bands[0].gap / 2)
    set_title(axes, *shown.captions(when), above_names=True)
    return over_time(axes, phases, first, last)


def settling(
    run: Run,
    layer: str | None = None,
    sample: int = 0,
    when: str = "after",
    axes: Axes | None = None,
    *,
    start: float | str | None = None,
    end: float | str | None = None,
    units: Units | None = None,
) -> Axes:
    """Draw the states of a layer while a sample settles, with the phases shaded.

    Parameters
    ----------
    run
        A finished run on any substrate.
    layer
        The name of the layer; the output layer if left out.
    sample
        Number of the sample among the recorded ones.
    when
        Whether the sample was recorded ``"before"`` or ``"after"`` training.
    axes
        The axes to draw into; those of a new figure if left out.
    start, end
        The first and the last time to show, in seconds or as ``"20 ms"``; all of the phases if left out.
    units
        The units to show, such as ``"0:30"``; all, or 512 of a large layer, if left out.

    Raises
    ------
    SpecError
        If no layer of that name is recorded, or the run lacks what is asked for.
    """
    axes = axes or new_axes()
    phases, layer = segments(run, when), layer or run.network.output_layer
    shown, name = check_recorded(run.folder, phases, layer, sample), state_of(run, layer)
    chosen, n = chosen_units(run, phases[0], layer, units), run.network.layers[layer].size
    few = len(chosen) <= FEW
    drawn = chosen if few or units is not None else chosen[spread(len(chosen), MOST_LINES)]
    columns = columns_of(phases[0], layer, drawn)
    scale, unit = _readable(phases[0].units[name], phases[0].states[layer][name])
    unit = " [rad]" if layer in oscillating(run.network) else unit
    free = phases[0].states[layer][name][:, sample, columns] * scale
    for phase in phases:
        t, states = from_free(phase, phase.states[layer][name][:, sample, columns] * scale, free)
        for index, of in enumerate(drawn):
            colour = mpl.colormaps["tab10"](index) if few else COLOURS[0]
            label = str(of) if few and phase is phases[0] else None
            axes.plot(t * time_scale(phases)[0], states[:, index], color=colour, label=label, alpha=1 if few else 0.25)
    if few:
        style: dict[str, Any] = {"handlelength": 0.8, "labelspacing": 0.1, "borderpad": 0, "fontsize": "x-small"}
        axes.legend(title="unit", loc="center left", bbox_to_anchor=(1.0, 0.5), **style)
    some = f"\n({len(drawn)} of {n} units)" if len(drawn) < n and not few else ""
    set_ylabel(axes, f"{layer} {'voltage' if name == 'v' else 'state'} {name}{unit}{some}", f"{layer} {name}{unit}")
    set_title(axes, *shown.captions(when), above_names=True)
    return over_time(axes, phases, *span(phases, start, end, f"{run.path}"))


def plasticity(run: Run, projection: str | None = None, when: str = "before", axes: Axes | None = None) -> Axes:
    """Draw what synapses accumulate while the nudged phases run: the in-situ change, before it is committed.

    Parameters
    ----------
    run
        A finished run on any substrate whose synapses are plastic.
    projection
        The name of the projection; the last one of the network if left out.
    when
        Whether the phases were recorded ``"before"`` or ``"after"`` training.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If the run has no projection of that name, or its synapses have no plasticity of their own.
    """
    axes = axes or new_axes()
    phases = [phase for phase in segments(run, when) if phase.nudged]
    projection = chosen_projection(run, projection, phases[0].change)
    reached = sum(np.abs(phase.change[projection][-1]) for phase in phases)
    strongest = np.argsort(reached)[::-1][:12]
    for phase in phases:
        start = np.concatenate([[phase.start], phase.t]) * time_scale(phases)[0]
        change = phase.change[projection][:, strongest]
        axes.plot(start, np.vstack([np.zeros(len(strongest)), change]), color=COLOURS[1], alpha=0.7, linewidth=0.9)
    axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
    set_ylabel(axes, "accumulated change dw", "change dw", "dw")
    whole = f"{projection}: the {len(strongest)} largest changes in the nudged phases, {when} training"
    shorter = (f"{projection}: {len(strongest)} largest changes, {when} training", projection)
    set_title(axes, whole, *shorter, above_names=True)
    return over_time(axes, phases)


def from_free(phase: Segment, values: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the times and values of a phase; a nudged one begins with the end of the free one."""
    if not phase.nudged:
        return phase.t, values
    return np.concatenate([[phase.start], phase.t]), np.concatenate([free[-1:], values])


def _draw_spikes(axes: Axes, times: np.ndarray, units: np.ndarray, band: Band, colour: str) -> None:
    """Draw each spike as a short vertical line in the row of its unit."""
    rows = np.searchsorted(band.units, units)
    height = band.height / len(band.units)
    bottoms, tops = band.bottom + rows * height, band.bottom + (rows + 0.8) * height
    axes.vlines(times, bottoms, tops, color=colour, linewidth=0.8)


def span(phases: list[Segment], start: float | str | None, end: float | str | None, where: str) -> tuple[float, float]:
    """Return the first and the last time to show [s].

    Raises
    ------
    SpecError
        If they are no times, or no part of the phases lies between them.
    """
    last = phases[-1].end
    asked = (start or 0.0, last if end is None else end)
    times = [si(time, "a time") if isinstance(time, str) else time for time in asked]
    if not 0 <= times[0] < times[1] or times[0] >= last:
        scale, unit = time_scale(phases)
        raise SpecError(
            f"{where}: nothing is recorded from {times[0] * scale:g} to {times[1] * scale:g} {unit}; expected times "
            f"between 0 and {last * scale:g} {unit}, the first one below the last."
        )
    return times[0], min(times[1], last)


def _readable(unit: str, values: np.ndarray) -> tuple[float, str]:
    """Return the factor and the label of a state's unit; values below 1 of a physical unit are shown in thousandths."""
    if unit == "1":
        return 1.0, ""
    return (1e3, f" [m{unit}]") if np.abs(values).max() < 1 else (1.0, f" [{unit}]")
