"""Figures of recorded phases, over simulated time: spikes, states, what synapses accumulate."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from neuroeq.errors import SpecError
from neuroeq.runs.analysis import segments, state_of
from neuroeq.runs.run import Run

from .over_epochs import chosen_projection
from .style import COLOURS, new_axes, over_time, time_scale

MOST_UNITS, LEAST_HEIGHT, GAP = 64, 20.0, 3.0
"""Units of a layer that a raster shows; height of its strip, and gap between strips, in units."""


def raster(run: Run, sample: int = 0, when: str = "after", axes: Axes | None = None) -> Axes:
    """Draw the spikes of one sample, layer above layer, phases shaded.

    Parameters
    ----------
    run
        Of a spiking network.
    sample
        Which of the recorded ones.
    when
        ``"before"`` or ``"after"`` training.
    axes
        To draw into.

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
    bands = _bands([run.network.layers[layer].size for layer in layers])
    for index, (layer, band) in enumerate(zip(layers, bands, strict=True)):
        for phase in phases:
            times, samples, units = phase.spikes[layer]
            shown = (samples == sample) & np.isin(units, band.units)
            rows = np.searchsorted(band.units, units[shown])
            height = band.height / len(band.units)
            axes.vlines(
                times[shown] * time_scale(phases)[0],
                band.bottom + rows * height,
                band.bottom + (rows + 0.8) * height,
                color=COLOURS[index],
                linewidth=0.8,
            )
        if index:
            axes.axhline(band.bottom - GAP / 2, color="0.6", linewidth=0.6)
        if len(band.units) <= 10:
            for unit in band.units:
                at = band.bottom + (unit + 0.4) * band.height / len(band.units)
                axes.text(
                    1.005, at, str(unit), transform=axes.get_yaxis_transform(), fontsize=6, va="center", clip_on=False
                )
    axes.set_yticks([band.bottom + band.height / 2 for band in bands])
    axes.set_yticklabels([f"{layer}\n{band.caption}" for layer, band in zip(layers, bands, strict=True)])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-GAP / 2, bands[-1].bottom + bands[-1].height + GAP / 2)
    return over_time(axes, phases)


def settling(
    run: Run, layer: str | None = None, sample: int = 0, when: str = "after", axes: Axes | None = None
) -> Axes:
    """Draw the states of a layer while a sample settles, phases shaded.

    Parameters
    ----------
    run
        Of any substrate.
    layer
        The output layer if left out.
    sample
        Which of the recorded ones.
    when
        ``"before"`` or ``"after"`` training.
    axes
        To draw into.

    Raises
    ------
    SpecError
        If there is no such layer.
    """
    axes = axes or new_axes()
    phases, layer = segments(run, when), layer or run.network.output_layer
    if layer not in phases[0].states:
        raise SpecError(f"no layer '{layer}' in {run.path}; recorded are {', '.join(phases[0].states)}.")
    name = state_of(run, layer)
    n = phases[0].states[layer][name].shape[2]
    few = n <= 10
    scale, unit = _readable(phases[0].units[name], phases[0].states[layer][name])
    free = phases[0].states[layer][name][:, sample] * scale
    for phase in phases:
        t, states = phase.t, phase.states[layer][name][:, sample] * scale
        if phase.nudged:
            t, states = np.concatenate([[phase.start], t]), np.vstack([free[-1], states])
        for index in range(n):
            colour = mpl.colormaps["tab10"](index) if few else COLOURS[0]
            label = str(index) if few and phase is phases[0] else None
            axes.plot(t * time_scale(phases)[0], states[:, index], color=colour, label=label, alpha=1 if few else 0.25)
    if few:
        axes.legend(title="unit", loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1)
    axes.set_ylabel(f"{layer} {'voltage' if name == 'v' else 'state'} {name}{unit}")
    return over_time(axes, phases)


def plasticity(run: Run, projection: str | None = None, when: str = "before", axes: Axes | None = None) -> Axes:
    """Draw what synapses accumulate while the nudged phases run: the in-situ change, before it is committed.

    Parameters
    ----------
    run
        Of any substrate whose synapses are plastic.
    projection
        The last of the network if left out.
    when
        ``"before"`` or ``"after"`` training.
    axes
        To draw into.

    Raises
    ------
    SpecError
        If there is no such projection, or it has no plasticity of its own.
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
    """The strip of a raster that a layer takes, and the units that are shown in it."""

    units: np.ndarray
    bottom: float
    height: float
    caption: str


def _bands(sizes: list[int]) -> list[_Band]:
    """Give every layer a strip that can be read: not too thin for few units, and not every one of many."""
    bands, bottom = [], 0.0
    for size in sizes:
        units = np.unique(np.linspace(0, size - 1, min(size, MOST_UNITS)).round().astype(int))
        caption = f"{size} units" if len(units) == size else f"{len(units)} of {size} units"
        bands.append(_Band(units, bottom, max(len(units), LEAST_HEIGHT), caption))
        bottom += bands[-1].height + GAP
    return bands


def _readable(unit: str, values: np.ndarray) -> tuple[float, str]:
    """Return the factor and the label of a state's unit, in thousandths where it has one and values are below 1."""
    if unit == "1":
        return 1.0, ""
    return (1e3, f" [m{unit}]") if np.abs(values).max() < 1 else (1.0, f" [{unit}]")
