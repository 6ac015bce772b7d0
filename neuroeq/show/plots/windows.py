"""The figure of a plasticity window: weight change against the time between a pre- and a postsynaptic spike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuroeq.measures.windows import Window

from .style import COLOURS, files_of, new_axes, plain, styled, write_all

SEEN = 5e-3
"""A second curve is drawn only if it differs from the first by this fraction of the largest change."""
WIDTH = 72
"""Largest number of characters in a line of the title."""


def window(measured: Window, axes: Axes | None = None) -> Axes:
    """Draw the window of a synapse model.

    The first curve is the change of a directed synapse. Two more are drawn where they differ from it: the change of
    one weight that serves both directions, which is the even part of the window, and the change up to the later of the
    two spikes, as in a phase that ends there. The points at time 0 stand for two spikes in the same step.

    Parameters
    ----------
    measured
        The window that `neuroeq.measures.windows.measure` returns.
    axes
        The axes to draw into; those of a new figure if left out.
    """
    axes = axes or new_axes()
    largest = max(np.abs(measured.change).max(), np.abs(measured.at_spike).max())
    curves = [
        (measured.change, COLOURS[0], "-", "directed synapse,\nlong after the pair"),
        (measured.even, COLOURS[1], "--", "one weight for both\ndirections: even part"),
        (measured.at_spike, COLOURS[2], ":", "phase that ends\nat the later spike"),
    ]
    axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
    axes.axvline(0, color="0.6", linewidth=0.6, zorder=0)
    drawn = [curve for curve in curves if curve is curves[0] or _apart(curve[0], measured.change, largest)]
    for change, colour, line, label in drawn:
        for half in (measured.delta < 0, measured.delta > 0):
            axes.plot(1e3 * measured.delta[half], 1e3 * change[half], line, color=colour, linewidth=1.6, label=label)
            label = "_"
        if change is not measured.even:
            axes.plot([0], 1e3 * change[measured.delta == 0], "o", color=colour, markersize=3)
    axes.set_xlim(1e3 * measured.delta[0], 1e3 * measured.delta[-1])
    axes.set_xlabel(r"$t_\mathrm{post} - t_\mathrm{pre}$ [ms]")
    axes.set_ylabel("weight change by one pair [10⁻³]")
    axes.set_title(plain(f"{measured.synapse}\n{fill(measured.title, WIDTH)}"))
    if len(drawn) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def save_window(
    measured: Window,
    out: Path | None = None,
    formats: Sequence[str] = ("png", "svg"),
    size: tuple[float, float] | None = None,
) -> list[Path]:
    """Draw a window into files.

    Parameters
    ----------
    measured
        The window that `neuroeq.measures.windows.measure` returns.
    out
        A file that ends with ``.png``, ``.svg`` or ``.pdf``, or the folder for ``stdp_NAME.png`` and
        ``stdp_NAME.svg``; the current folder if left out.
    formats
        The formats of the files in a folder.
    size
        Width and height of the files [in]; the figure's own if left out.

    Returns
    -------
    list of Path
        The files that were written.
    """
    (files,) = files_of([f"stdp_{Path(measured.synapse).name}"], out or Path(), formats).values()
    with styled(size and size[0]):
        figure = Figure(figsize=(6.4, 3), layout="constrained")
        window(measured, axes=figure.subplots())
        return write_all(figure, files, size)


def _apart(change: np.ndarray, other: np.ndarray, largest: float) -> bool:
    return bool(np.abs(change - other).max() > SEEN * largest)
