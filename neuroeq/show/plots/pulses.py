"""The figure of a fitted pulse law: conductance against pulse number, and steps against conductance."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuroeq.measures.pulse_fit import Fit

from .style import COLOURS, STYLE, plain, write

Array = np.ndarray
BINS = 16
"""The number of intervals of conductance in which steps are averaged."""
SHOWN = 40
"""The largest number of curves drawn in each direction."""
PHASES = (True, "pulses up", COLOURS[0]), (False, "pulses down", COLOURS[1])


def pulse_fit(fit: Fit, axes: tuple[Axes, Axes]) -> None:
    """Draw the data of a fit and its law.

    The first axes show every curve that was measured (grey), the mean of the data (points) and of the law (lines), up
    and then down. The second show the steps against the conductance before each pulse: means with standard deviations,
    and the law.

    Parameters
    ----------
    fit
        The fit of a pulse law.
    axes
        The axes for curves, and those for steps.
    """
    _curves(fit, axes[0])
    _steps(fit, axes[1])


def _curves(fit: Fit, axes: Axes) -> None:
    followed, start = 1e6 * fit.followed(), 0
    for up, label, colour in PHASES:
        rows = fit.curves.up == up
        data, law = 1e6 * fit.curves.g[rows], followed[rows]
        law = np.where(np.isfinite(data), law, np.nan)
        length = int(np.isfinite(data).any(axis=0).sum())
        at = start + np.arange(length)
        axes.plot(at, data[:SHOWN, :length].T, color="0.8", linewidth=0.4, zorder=0)
        every = slice(None, None, max(1, length // 25))
        axes.plot(at[every], np.nanmean(data, axis=0)[:length][every], "o", color=colour, markersize=3.5, mfc="white")
        axes.plot(at, np.nanmean(law, axis=0)[:length], color=colour, linewidth=1.6)
        axes.text(start + length / 2, 1.01, label, transform=axes.get_xaxis_transform(), ha="center", va="bottom")
        if start:
            axes.axvline(start - 0.5, color="0.5", linewidth=0.6, linestyle=":")
        start += length
    axes.plot([], [], color="0.8", linewidth=0.8, label="single curves")
    axes.plot([], [], "o", color="0.3", mfc="white", markersize=3.5, label="mean of the data")
    axes.plot([], [], color="0.3", linewidth=1.6, label=f"mean of the law ({plain(fit.model)})")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=3, handlelength=1.4, columnspacing=1.0)
    axes.set_xlim(0, start - 1)
    axes.set_xlabel("pulse number")
    axes.set_ylabel("conductance [µS]")


def _steps(fit: Fit, axes: Axes) -> None:
    model, x = fit.estimate.model, fit.estimate.x
    window = 1e6 * fit.curves.span
    edges = np.linspace(1e6 * np.nanmin(fit.curves.g), 1e6 * np.nanmax(fit.curves.g), BINS + 1)
    before, steps = 1e6 * fit.curves.g[:, :-1], 1e6 * np.diff(fit.curves.g, axis=1)
    scale = 1e6 * (model.window[1] - model.window[0]) / (model.form.range[1] - model.form.range[0])
    size = np.where(np.isfinite(model.w[:, :-1]), model.sizes(x, model.w[:, :-1])[0], np.nan)
    law = scale * model.sign[:, None] * size
    for up, label, colour in PHASES:
        kept = np.isfinite(steps) & (fit.curves.up == up)[:, None] & fit.estimate.kept
        place = np.clip(np.digitize(before[kept], edges) - 1, 0, BINS - 1)
        filled = [index for index in range(BINS) if (place == index).sum() > 2]
        middle, mean, spread, expected = (
            np.array([statistic(values[kept][place == index]) for index in filled])
            for values, statistic in ((before, np.mean), (steps, np.mean), (steps, np.std), (law, np.mean))
        )
        axes.errorbar(middle, mean, spread, fmt="o", color=colour, mfc="white", markersize=3.5, elinewidth=0.7)
        axes.plot(middle, expected, color=colour, linewidth=1.6)
        axes.plot([], [], "o-", color=colour, mfc="white", markersize=3.5, label=f"{label}, mean ± s.d.")
    axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
    axes.set_xlim(edges[0] - 0.03 * window, edges[-1] + 0.03 * window)
    axes.set_xlabel("conductance before the pulse [µS]")
    axes.set_ylabel("step of one pulse [µS]")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=2, handlelength=1.4)


def save_fit(fit: Fit, path: Path) -> None:
    """Draw a fit into a file.

    Parameters
    ----------
    fit
        The fit of a pulse law.
    path
        The file to write, whose name ends with ``.png`` or ``.svg``.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.3), layout="constrained")
        left, right = figure.subplots(1, 2)
        pulse_fit(fit, (left, right))
        write(figure, path)
