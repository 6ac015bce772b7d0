"""How figures look: their style, their colours, and the shading of phases.

The colours are those of Okabe and Ito, which remain distinct in print and for colour-blind readers.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuroeq.runs.analysis import Segment
from neuroeq.runs.records.files import atomic

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
FREE, NUDGED = "#DCE9F5", "#FBE6D3"
NARROW = 0.22
"""The share of the axis below which the name of a nudged phase is only its beta."""
STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=COLOURS),
    "lines.linewidth": 1.2,
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "svg.fonttype": "none",
}


def new_axes() -> Axes:
    """Return axes in a new figure of the user's pyplot."""
    import matplotlib.pyplot as plt

    with mpl.rc_context(STYLE):
        _, axes = plt.subplots(layout="constrained")
    return axes


def plain(text: str) -> str:
    """Return what a file says so that Matplotlib draws it as it is, and takes no dollar sign for the start of maths."""
    return text.replace("$", r"\$")


def write(figure: Figure, path: Path) -> None:
    """Write a figure as PNG or SVG, as the suffix of the file says: whole, or not at all."""
    content = BytesIO()
    figure.savefig(content, format=path.suffix[1:], bbox_inches="tight")
    atomic(path, content.getvalue())


def over_time(axes: Axes, phases: list[Segment]) -> Axes:
    """Shade and name the phases, and label the axis of time."""
    scale, unit = time_scale(phases)
    for phase in phases:
        start, end = phase.start * scale, phase.end * scale
        axes.axvspan(start, end, color=NUDGED if phase.nudged else FREE, zorder=-2, linewidth=0)
        if phase is not phases[0]:
            axes.axvline(start, color="0.5", linewidth=0.6, linestyle=":", zorder=-1)
        name = phase_label(phase)
        if phase.nudged and phase.end - phase.start < NARROW * phases[-1].end:
            name = name.removeprefix("nudged, ")
        axes.text((start + end) / 2, 1.01, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom")
    axes.set_xlim(phases[0].start * scale, phases[-1].end * scale)
    axes.set_xlabel(f"simulated time [{unit}]")
    return axes


def time_scale(phases: list[Segment]) -> tuple[float, str]:
    """Return the factor that turns seconds into a unit that suits the phases, milliseconds or smaller, and the unit."""
    exponent = next((power for power in (3, 6, 9) if phases[-1].end * 10**power >= 1), 12)
    return 10.0**exponent, {3: "ms", 6: "µs", 9: "ns", 12: "ps"}[exponent]


def phase_label(phase: Segment) -> str:
    """Return the name of a phase as figures show it."""
    return phase.name.replace("nudged ", "nudged, β = ").replace("-", "−")
