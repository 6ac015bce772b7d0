"""Figures of a gradient check: how well each parameter's update points, and how its error depends on beta."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ..fidelity import Report
from .style import COLOURS, STYLE, new_axes


def cosines(report: Report, axes: Axes | None = None) -> Axes:
    """Draw the cosine of every parameter's update with its gradient.

    Parameters
    ----------
    report
        Of `check`.
    axes
        To draw into.
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
    axes.set_title(f"{report.network} on {report.substrate}{made_of}, β = {report.beta:g}")
    return axes


def errors(report: Report, axes: Axes | None = None) -> Axes:
    """Draw the relative error of the estimate over beta.

    Parameters
    ----------
    report
        Of `check`.
    axes
        To draw into.
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


def save_report(report: Report, path: Path) -> None:
    """Draw a report into a file.

    Parameters
    ----------
    report
        Of `check`.
    path
        Ends with ``.png`` or ``.svg``.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 3), layout="constrained")
        left, right = figure.subplots(1, 2)
        cosines(report, axes=left)
        errors(report, axes=right)
        figure.savefig(path, bbox_inches="tight")
