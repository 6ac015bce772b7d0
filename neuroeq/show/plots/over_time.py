"""Figures of recorded phases over simulated time: spikes, states, and the changes that synapses accumulate."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from neuroeq.describe.network import oscillating
from neuroeq.describe.spec.graph import Layer
from neuroeq.errors import SpecError
from neuroeq.runs.analysis import Segment, segments, state_of
from neuroeq.runs.run import Run

from .over_epochs import chosen_projection
from .style import COLOURS, new_axes, over_time, time_scale

FEW, MOST_LINES = 10, 512
"""Most units of a layer that have a colour each; most units whose states are drawn."""
MOST_UNITS, LEAST_HEIGHT, GAP = 64, 20.0, 3.0
"""Most units of a layer that a raster shows; least height of a layer's strip, and gap between strips, in units."""


def raster(run: Run, sample: int = 0, when: str = "after", axes: Axes | None = None) -> Axes:
    """Draw the spikes of one sample, with the layers above each other and the phases shaded.

    Parameters
    ----------
    run
        A finished run of a spiking network.
    sample
        Index of the sample among the recorded ones.
    when
        Whether the sample was recorded ``"before"`` or ``"after"`` training.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If the run has no spikes.
    """
    axes = axes or new_axes()
    phases = segments(run, when)
    layers = [layer for layer in run.network.layers if layer in phases[0].spikes]
    if not layers:
        raise SpecError(
            f"{run.path}: substrate '{run.network.substrate_name}' has no spikes; plot its settling instead."
        )
    bands = _bands([run.network.layers[layer] for layer in layers])
    for index, (layer, band) in enumerate(zip(layers, bands, strict=True)):
        for phase in phases:
            times, samples, units = phase.spikes[layer]
            shown = (samples == sample) & np.isin(units, band.units)
            _draw_spikes(axes, times[shown] * time_scale(phases)[0], units[shown], band, COLOURS[index])
        if index:
            axes.axhline(band.bottom - GAP / 2, color="0.6", linewidth=0.6)
        _number(axes, band, bands[-1].bottom + bands[-1].height)
    axes.set_yticks([band.bottom + band.height / 2 for band in bands])
    axes.set_yticklabels([f"{layer}\n{band.caption}" for layer, band in zip(layers, bands, strict=True)])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-GAP / 2, bands[-1].bottom + bands[-1].height + GAP / 2)
    return over_time(axes, phases)


def settling(
    run: Run, layer: str | None = None, sample: int = 0, when: str = "after", axes: Axes | None = None
) -> Axes:
    """Draw the states of a layer while a sample settles, with the phases shaded.

    Parameters
    ----------
    run
        A finished run on any substrate.
    layer
        The name of the layer; the output layer if left out.
    sample
        Index of the sample among the recorded ones.
    when
        Whether the sample was recorded ``"before"`` or ``"after"`` training.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If no layer of that name is recorded.
    """
    axes = axes or new_axes()
    phases, layer = segments(run, when), layer or run.network.output_layer
    if layer not in phases[0].states:
        raise SpecError(f"no layer '{layer}' in {run.path}; recorded are {', '.join(phases[0].states)}.")
    name = state_of(run, layer)
    n = phases[0].states[layer][name].shape[2]
    few = n <= FEW
    scale, unit = _readable(phases[0].units[name], phases[0].states[layer][name])
    unit = " [rad]" if layer in oscillating(run.network) else unit
    free = phases[0].states[layer][name][:, sample] * scale
    for phase in phases:
        t, states = from_free(phase, phase.states[layer][name][:, sample] * scale, free)
        for index in range(n) if few else spread(n, MOST_LINES):
            colour = mpl.colormaps["tab10"](index) if few else COLOURS[0]
            label = str(index) if few and phase is phases[0] else None
            axes.plot(t * time_scale(phases)[0], states[:, index], color=colour, label=label, alpha=1 if few else 0.25)
    if few:
        axes.legend(title="unit", loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1)
    some = f"\n({MOST_LINES} of {n} units)" if n > MOST_LINES else ""
    axes.set_ylabel(f"{layer} {'voltage' if name == 'v' else 'state'} {name}{unit}{some}")
    return over_time(axes, phases)


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
    axes.set_ylabel("accumulated change dw")
    axes.set_title(f"{projection}: the 12 largest changes in the nudged phases, {when} training", pad=16)
    return over_time(axes, phases)


@dataclass(frozen=True)
class _Band:
    """The horizontal strip of a raster in which a layer is drawn, its units, and the numbers of their groups."""

    units: np.ndarray
    bottom: float
    height: float
    caption: str
    groups: np.ndarray


def _bands(layers: list[Layer]) -> list[_Band]:
    """Return a strip for every layer, tall enough for few units, and with a selection of the units of a large layer.

    Of a layer with a shape, whole channels are selected, as many as have so many units together.
    """
    bands, bottom = [], 0.0
    for layer in layers:
        each = 1 if layer.shape is None else layer.size // layer.shape[0]
        groups = spread(layer.size // each, MOST_UNITS // each or 1)
        units = (groups[:, None] * each + spread(each, MOST_UNITS)).ravel()
        what, count = ("units", layer.size) if layer.shape is None else ("channels", layer.shape[0])
        caption = f"{count} {what}" if len(groups) == count else f"{len(groups)} of {count} {what}"
        bands.append(_Band(units, bottom, max(len(units), LEAST_HEIGHT), caption, groups))
        bottom += bands[-1].height + GAP
    return bands


def from_free(phase: Segment, values: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the times and values of a phase; a nudged one begins with the end of the free one."""
    if not phase.nudged:
        return phase.t, values
    return np.concatenate([[phase.start], phase.t]), np.concatenate([free[-1:], values])


def spread(size: int, most: int) -> np.ndarray:
    """Return numbers below `size`, from its first to its last, evenly."""
    return np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))


def _draw_spikes(axes: Axes, times: np.ndarray, units: np.ndarray, band: _Band, colour: str) -> None:
    """Draw each spike as a short vertical line in the row of its unit."""
    rows = np.searchsorted(band.units, units)
    height = band.height / len(band.units)
    bottoms, tops = band.bottom + rows * height, band.bottom + (rows + 0.8) * height
    axes.vlines(times, bottoms, tops, color=colour, linewidth=0.8)


def _number(axes: Axes, band: _Band, top: float) -> None:
    """Write the numbers of few units or channels beside their rows, as many as fit, and draw lines between channels."""
    height, channels = band.height / len(band.groups), len(band.groups) < len(band.units)
    for row, group in enumerate(band.groups if len(band.groups) <= 16 and (channels or len(band.units) <= 10) else []):
        right = axes.get_yaxis_transform()
        y = band.bottom + (row + 0.45) * height
        if row % -int(-0.025 * top // height) == 0:
            axes.text(1.005, y, str(group), transform=right, fontsize=6, va="center", clip_on=False)
        if channels and row:
            axes.axhline(band.bottom + row * height - 0.1, color="0.85", linewidth=0.5, zorder=-1)


def _readable(unit: str, values: np.ndarray) -> tuple[float, str]:
    """Return the factor and the label of a state's unit; values below 1 of a physical unit are shown in thousandths."""
    if unit == "1":
        return 1.0, ""
    return (1e3, f" [m{unit}]") if np.abs(values).max() < 1 else (1.0, f" [{unit}]")
