"""Figures of a gradient check: how well each update points along the gradient, and how its error depends on beta."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from neuroeq.measures.fidelity import Report

from .style import COLOURS, STYLE, new_axes, plain, write


def cosines(report: Report, axes: Axes | None = None) -> Axes:
    """Draw the cosine between every parameter's update and its gradient.

    Parameters
    ----------
    report
        The report of a gradient check.
    axes
        The axes to draw into; those of a new figure if left out.
    """
    axes = axes or new_axes()
    names = list(report.projections)[::-1]
    values = [report.projections[name].cosine for name in names]
    axes.barh(names, np.nan_to_num(values), color=COLOURS[0])
    for row, value in enumerate(values):
        text = "no gradient" if np.isnan(value) else f"{value:.4f}"
        axes.text(max(np.nan_to_num(value), 0) + 0.02, row, text, va="center", fontsize=7)
    axes.set_xlim(min(-0.05, *np.nan_to_num(values)) - 0.02, 1.25)
    axes.axvline(1, color="0.6", linewidth=0.6, linestyle=":")
    axes.axvline(0, color="0.6", linewidth=0.6)
    axes.set_xlabel("cosine with the gradient")
    made_of = f", {report.hardware}" if report.hardware else ""
    axes.set_title(plain(f"{report.network} on {report.substrate}{made_of}, β = {report.beta:g}"))
    return axes


def errors(report: Report, axes: Axes | None = None) -> Axes:
    """Draw the relative error of the gradient estimate against beta.

    Parameters
    ----------
    report
        The report of a gradient check.
    axes
        The axes to draw into; those of a new figure if left out.
    """
    axes = axes or new_axes()
    betas = list(report.errors)
    axes.loglog(betas, list(report.errors.values()), marker="o", color=COLOURS[0])
    axes.axvline(report.beta, color=COLOURS[1], linestyle="--", linewidth=1, label=f"β of the network, {report.beta:g}")
    if np.isfinite(report.margin) and report.margin > 0:
        axes.axvline(report.margin, color="0.5", linestyle=":", linewidth=1, label=f"margin, {report.margin:.2g}")
    axes.set_xticks(betas, [f"{beta:g}" for beta in betas])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("nudge strength β")
    axes.set_ylabel("|estimate − gradient| / |gradient|")
    axes.set_title("" if report.bias_slope is None else f"slope {report.bias_slope:.2f} in β")
    axes.legend()
    return axes


def backpropagation(report: Report, kind: str = "states", axes: Axes | None = None) -> Axes:
    """Draw the nudged phase on top of the trajectories of recurrent backpropagation.

    Parameters
    ----------
    report
        The report of a gradient check with ``rbp=True``.
    kind
        ``"states"`` for the states of units, or ``"parameters"`` for the updates of weights.
    axes
        The axes to draw into; those of a new figure if left out.
    """
    axes = axes or new_axes()
    close = report.rbp[-1]
    far = report.rbp[0]
    of_states = kind == "states"
    exact = close.errors if of_states else close.gradients
    times = 1e3 * close.times
    for index, curve in enumerate(exact.T):
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(times, curve, color=colour, linewidth=2.5, alpha=0.35)
        axes.plot(times, (far.states if of_states else far.changes)[:, index], color=colour, linestyle=":", linewidth=1)
        axes.plot(times, (close.states if of_states else close.changes)[:, index], color=colour, linewidth=0.8)
    handles = [
        Line2D([], [], color="0.3", linewidth=2.5, alpha=0.35, label="recurrent backpropagation"),
        Line2D([], [], color="0.3", linewidth=0.8, label=f"nudged phase, β = {close.beta:g}"),
        Line2D([], [], color="0.3", linestyle=":", linewidth=1, label=f"nudged phase, β = {far.beta:g}"),
    ]
    axes.legend(handles=handles)
    axes.axhline(0, color="0.6", linewidth=0.6)
    axes.set_xlabel("time in the nudged phase (ms)")
    axes.set_ylabel("τ ds/dt / β  and  error signal" if of_states else "update / β  and  gradient so far")
    axes.set_title("units with the largest errors" if of_states else "weights with the largest gradients")
    return axes


def save_report(report: Report, path: Path) -> None:
    """Draw a report into a file.

    Parameters
    ----------
    report
        The report of a gradient check.
    path
        The file to write, whose name ends with ``.png`` or ``.svg``.
    """
    with mpl.rc_context(STYLE):
        rows = 2 if report.rbp else 1
        figure = Figure(figsize=(9, 3.2 * rows), layout="constrained")
        grid = figure.subplots(rows, 2, squeeze=False)
        cosines(report, axes=grid[0, 0])
        errors(report, axes=grid[0, 1])
        if report.rbp:
            backpropagation(report, "states", axes=grid[1, 0])
            backpropagation(report, "parameters", axes=grid[1, 1])
        write(figure, path)
