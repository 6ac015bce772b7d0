"""Figures of a comparison: the learning curves of all cells, their gradient cosines, and accuracy against energy."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from neuroeq.runs.comparison import Comparison

from .style import COLOURS, count_epochs, new_axes, plain

LINES, MARKERS = ("-", "--", "-.", ":"), ("o", "s", "^", "D", "v")
"""Line styles and markers that cells take in turn, so that overlapping curves can be told apart."""


def learning_curves(comparison: Comparison, axes: Axes | None = None) -> Axes:
    """Draw the training error of every cell over epochs: the mean over seeds, and the range that they span.

    Of values it is the root mean square error.

    Parameters
    ----------
    comparison
        The comparison, of any substrates.
    axes
        The axes to draw into; those of a new figure if left out.
    """
    axes, highest = axes or new_axes(), 0.0
    measure = comparison.run(comparison.done[0]).coding.measure if comparison.done else "error"
    factor, title = (100, "error [%]") if measure == "error" else (1, "RMSE")
    for index, mean in enumerate(comparison.means):
        runs = [comparison.run(row).metrics for row in comparison.done if row.cell == mean.cell]
        if not runs:
            continue
        epochs = [row["epoch"] for row in runs[0]]
        errors = factor * np.array([[row[f"train_{measure}"] for row in rows] for rows in runs])
        colour, marker, line = (cycle[index % len(cycle)] for cycle in (COLOURS, MARKERS, LINES))
        marked = marker if len(epochs) < 40 else ""
        axes.plot(
            epochs, errors.mean(axis=0), line, marker=marked, markersize=3.5, color=colour, label=plain(mean.cell)
        )
        if len(runs) > 1:
            axes.fill_between(epochs, errors.min(axis=0), errors.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        highest = max(highest, errors.max())
    count_epochs(axes)
    axes.set_ylabel(f"training {title}")
    axes.set_ylim(0, 1.05 * highest or 1)
    return _legend_below(axes)


def gradient_cosines(comparison: Comparison, axes: Axes | None = None) -> Axes:
    """Draw the cosine between every cell's update and the gradient, before and after training.

    Parameters
    ----------
    comparison
        The comparison, of any substrates.
    axes
        The axes to draw into; those of a new figure if left out.
    """
    axes = axes or new_axes()
    means = [mean for mean in comparison.means if mean.mean["cosine_start"] is not None]
    lowest = 0.0
    for offset, when, colour in ((0.2, "start", COLOURS[5]), (-0.2, "end", COLOURS[0])):
        values = [mean.mean[f"cosine_{when}"] for mean in means]
        widths = [0.0 if value is None else value for value in values]
        halves = [mean.interval[f"cosine_{when}"] or 0.0 for mean in means]
        rows = np.arange(len(means))[::-1] + offset
        label = "before training" if when == "start" else "after training"
        axes.barh(rows, widths, 0.38, color=colour, label=label, xerr=halves if any(halves) else None)
        for row, value, width, half in zip(rows, values, widths, halves, strict=True):
            text = "none" if value is None else f"{value:.3f}"
            axes.text(max(width + half, 0) + 0.02, row, text, va="center", fontsize=7.5)
        lowest = min(lowest, *widths, 0.0)
    axes.set_yticks(np.arange(len(means))[::-1], [plain(mean.cell) for mean in means])
    axes.set_xlim(1.05 * lowest, 1.2)
    axes.set_ylim(-0.5, max(len(means), 1) - 0.5)
    axes.axvline(1, color="0.6", linewidth=0.6, linestyle=":")
    axes.axvline(0, color="0.6", linewidth=0.6)
    axes.set_xlabel("cosine of the update with the gradient")
    return _legend_below(axes)


def accuracy_and_energy(comparison: Comparison, axes: Axes | None = None) -> Axes:
    """Draw the accuracy of every circuit against the energy of an inference on it.

    Parameters
    ----------
    comparison
        The comparison; its cells on circuits are drawn.
    axes
        The axes to draw into; those of a new figure if left out.
    """
    axes = axes or new_axes()
    energies = []
    for index, mean in enumerate(comparison.means):
        energy, accuracy = mean.mean["energy_per_inference_J"], mean.accuracy
        if not energy or accuracy is None:
            continue
        key = "test_accuracy" if mean.mean["test_accuracy"] is not None else "train_accuracy"
        half = mean.interval[key]
        axes.errorbar(
            energy,
            100 * accuracy,
            yerr=None if half is None else 100 * half,
            fmt=MARKERS[index % len(MARKERS)],
            markersize=8,
            markerfacecolor="none",
            markeredgewidth=1.6,
            color=COLOURS[index % len(COLOURS)],
            label=plain(mean.cell),
        )
        energies.append(energy)
    axes.set_xscale("log")
    if energies:
        low, high = np.floor(np.log10(min(energies) / 1.5)), np.ceil(np.log10(max(energies) * 1.5))
        axes.set_xlim(10.0**low, 10.0**high)
    axes.margins(y=0.15)
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_major_formatter(EngFormatter("J"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("energy of one inference")
    axes.set_ylabel("accuracy [%]")
    return _legend_below(axes)


def _legend_below(axes: Axes) -> Axes:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = 3 if max(map(len, labels)) < 20 else 2
        axes.figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=8)
    return axes
