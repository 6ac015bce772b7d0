"""Figures of circuits: the conductances of their devices, and where their energy goes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from neuroeq.errors import SpecError
from neuroeq.measures.parts import total
from neuroeq.runs.analysis import conductances
from neuroeq.runs.run import Run

from .over_epochs import chosen_projection
from .style import COLOURS, new_axes, set_title

FILLED = {"histtype": "stepfilled", "alpha": 0.5}
OUTLINED = {"histtype": "step"}
NAMES = {0: "", -3: "m", -6: "µ", -9: "n", -12: "p", -15: "f", -18: "a"}


def histogram(run: Run, projection: str | None = None, axes: Axes | None = None) -> Axes:
    """Draw how the conductances of a projection are distributed, before and after training.

    Parameters
    ----------
    run
        A finished run on a circuit.
    projection
        The name of the projection; the last one of the network if left out.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If the run has no conductances, or no projection of that name.
    """
    axes, after = axes or new_axes(), conductances(run)
    projection = chosen_projection(run, projection, after)
    both = {"before": conductances(run, "before")[projection], "after": after[projection]}
    factor, prefix = _prefix(max(float(np.max(g)) for g in both.values()))
    top = max(float(g.max()) for g in both.values()) * factor
    bins = np.linspace(0, top, 41).tolist()
    for (when, g), colour in zip(both.items(), (COLOURS[7], COLOURS[0]), strict=True):
        shares = np.full(g.size, 100 / g.size)
        style: dict[str, Any] = FILLED if when == "before" else OUTLINED
        axes.hist(g.ravel() * factor, bins, weights=shares, color=colour, label=f"{when} training", **style)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set_xlabel(f"conductance [{prefix}S]")
    axes.set_ylabel("share of devices [%]")
    axes.set_title(projection)
    axes.legend()
    return axes


def energy(run: Run, what: str = "inference", axes: Axes | None = None) -> Axes:
    """Draw which elements of a circuit use the energy of an inference or of an update.

    Parameters
    ----------
    run
        A finished run on a circuit.
    what
        ``"inference"`` for the inference of one example, or ``"update"`` for the update of one batch.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If the run has no energies.
    """
    axes, energies = axes or new_axes(), run.result.get("energy")
    if not energies:
        raise SpecError(f"{run.path}: substrate '{run.network.substrate_name}' has no energies; run it on a circuit.")
    parts = {kind: joule for kind, joule in energies[what].items() if joule is not None and joule > 0}
    whole = total(energies[what])
    kinds = sorted(parts, key=lambda kind: parts[kind])
    axes.barh(kinds, [parts[kind] for kind in kinds], color=COLOURS[0 if what == "inference" else 1])
    for row, kind in enumerate(kinds):
        axes.text(parts[kind], row, f" {100 * parts[kind] / whole:.2g} %", va="center", fontsize="x-small")
    axes.set_xscale("log")
    axes.set_xlim(min(parts.values(), default=1e-15) / 4, 12 * max(parts.values(), default=1e-12))
    axes.xaxis.set_major_locator(LogLocator())
    axes.xaxis.set_major_formatter(EngFormatter("J", sep="\N{THIN SPACE}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("energy")
    of = "one inference" if what == "inference" else f"one update, batch {run.network.training.batch_size}"
    size = EngFormatter("J", places=1)(whole)
    set_title(axes, f"{of}: {size}", f"{what}: {size}", what, size)
    return axes


def _prefix(value: float) -> tuple[float, str]:
    """Return the factor and the SI prefix with which a value is easiest to read."""
    exponent = 0 if value == 0 else int(np.clip(3 * np.floor(np.log10(value) / 3), -18, 0))
    return 10.0**-exponent, NAMES[exponent]
