"""Figures of a whole training over its epochs: weights, errors and saturation."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from neuroeq.describe.network import oscillating
from neuroeq.errors import SpecError
from neuroeq.runs.analysis import weight_history
from neuroeq.runs.run import Run
from neuroeq.units import text_of

from .style import COLOURS, count_epochs, new_axes, set_title


def weights(run: Run, projection: str | None = None, axes: Axes | None = None) -> Axes:
    """Draw the weights of some synapses over training.

    Parameters
    ----------
    run
        A finished run on any substrate.
    projection
        The name of the projection; the last one of the network if left out.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If the run has no projection of that name.
    """
    axes = axes or new_axes()
    epochs, history = weight_history(run)
    projection = chosen_projection(run, projection, history)
    axes.plot(epochs, history[projection], color=COLOURS[0], alpha=0.6, linewidth=0.9)
    axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
    count_epochs(axes)
    axes.set_xlim(0, epochs[-1])
    unit = run.network.g_unit if run.network.kind.conductances else None
    axes.set_ylabel("weight" if unit is None else f"conductance [{text_of(unit, 'S')}]")
    kernel = run.network.projections[projection].kind == "conv"
    what = f"{projection}: {history[projection].shape[1]} {'weights of kernels' if kernel else 'synapses'}"
    set_title(axes, f"{what} over training", what, projection)
    return axes


def learning(run: Run, axes: Axes | None = None) -> Axes:
    """Draw the training and validation errors over training, and the test error at its end; of values, their RMSE.

    Parameters
    ----------
    run
        A finished run on any substrate.
    axes
        The axes to draw into; those of a new figure if left out.
    """
    axes = axes or new_axes()
    rows = run.metrics
    epochs = [row["epoch"] for row in rows]
    measure, highest = run.coding.measure, 0.0
    factor, unit = (100, " %") if measure == "error" else (1, "")
    for index, part in enumerate(("train", "validation")):
        if f"{part}_{measure}" in rows[0]:
            errors = [factor * row[f"{part}_{measure}"] for row in rows]
            highest = max(highest, *errors)
            axes.plot(epochs, errors, color=COLOURS[index], marker="." if len(rows) < 40 else "", label=part)
    tested = run.result.get(f"test_{measure}")
    if tested is not None:
        test = factor * tested
        label = f"test, once: {test:.3g}{unit}"
        axes.plot(epochs[-1], test, marker="D", linestyle="none", color=COLOURS[2], label=label)
        highest = max(highest, test)
    count_epochs(axes)
    axes.set_ylabel("error [%]" if measure == "error" else "root mean square error")
    axes.set_xlim(0.5 if len(rows) < 40 else 0, epochs[-1] + 0.02 * len(rows) + 0.3)
    axes.set_ylim(0, 1.05 * highest or 1)
    axes.legend()
    return axes


def saturation(run: Run, axes: Axes | None = None) -> Axes:
    """Draw, for every layer, which fraction of the units can move and which fraction is stuck at the top.

    Parameters
    ----------
    run
        A finished run on any substrate.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If its units are oscillators, which have no bounds.
    """
    axes = axes or new_axes()
    if oscillating(run.network):
        raise SpecError(f"{run.path}: phases of oscillators have no bounds to be stuck at; plot its phases instead.")
    rows = run.metrics
    epochs = [row["epoch"] for row in rows]
    layers = [key.removeprefix("moving_") for key in rows[0] if key.startswith("moving_")]
    for index, layer in enumerate(layers):
        for kind, style, label in (("moving", "-", "can move"), ("top", "--", "at the top")):
            fraction = [100 * row[f"{kind}_{layer}"] for row in rows]
            axes.plot(epochs, fraction, style, color=COLOURS[index], label=f"{layer}: {label}")
    count_epochs(axes)
    axes.set_ylabel("units [%]")
    axes.set_ylim(0, None)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def chosen_projection(run: Run, name: str | None, known: Any) -> str:
    """Return the projection of a name, or if the name is left out, the last one of the network that is known.

    Raises
    ------
    SpecError
        If nothing is recorded, or not for a projection of that name.
    """
    if not known:
        raise SpecError(f"{run.path}: no changes of synapses are recorded; its synapse model has no plasticity.")
    last = [projection for projection in run.network.projections if projection in known][-1]
    if name is not None and name not in known:
        raise SpecError(f"no projection '{name}' in {run.path}; recorded are {', '.join(known)}.")
    return name or last
