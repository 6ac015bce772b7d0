"""Figures of oscillators: their phases on a circle, and how coherent each layer is while a sample settles.

    r(t) = |mean over units of exp(i phi)|

is the order parameter of a layer: 1 if all units are in phase, and near 0 if phases are spread evenly, or half of them
is in antiphase (Kuramoto 1984, Chemical Oscillations, Waves, and Turbulence).
"""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neuroeq.describe.network import oscillating
from neuroeq.errors import SpecError
from neuroeq.runs.analysis import segments, state_of
from neuroeq.runs.records.recorded import check_recorded
from neuroeq.runs.run import Run

from .bands import spread
from .over_time import FEW, MOST_LINES, from_free
from .style import COLOURS, new_axes, over_time, phase_label, set_title, time_scale

Array = np.ndarray
FIRST, GAP = 0.45, 0.16
"""Radius of the circle of the first phases, and distance of the circles of nudged phases; free phases end at 1."""
MANY = 40
"""Most units whose dots are large."""


def phases(run: Run, layer: str | None = None, sample: int = 0, when: str = "after", axes: Axes | None = None) -> Axes:
    """Draw the phases of a layer as angles, from the first step of a free phase to its end, and at the end of nudges.

    The inner circle holds the phases after the first step, and lines lead from there to the end of the free phase, the
    further out the later. Each nudged phase ends on a circle of its own outside.

    Parameters
    ----------
    run
        A finished run of a network of oscillators.
    layer
        The name of the layer; the output layer if left out.
    sample
        Number of the sample among the recorded ones.
    when
        Whether the sample was recorded ``"before"`` or ``"after"`` training.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If the run has no oscillators, or no layer of that name.
    """
    axes, known = axes or new_axes(), _checked(run)
    layer = layer or run.network.output_layer
    if layer not in known:
        raise SpecError(f"no layer '{layer}' of oscillators in {run.path}; expected {' or '.join(known)}.")
    recorded, name = segments(run, when), state_of(run, layer)
    check_recorded(run.folder, recorded, layer, sample)
    angles = [segment.states[layer][name][:, sample] for segment in recorded]
    n = angles[0].shape[1]
    shown = spread(n, MOST_LINES)
    colours = [mpl.colormaps["tab10"](unit) if n <= FEW else COLOURS[0] for unit in shown]
    outwards = np.linspace(FIRST, 1, len(angles[0]))
    for unit, colour in zip(shown, colours, strict=True):
        axes.plot(*_placed(angles[0][:, unit], outwards), color=colour, linewidth=0.7, alpha=0.8 if n <= FEW else 0.15)
    _circle(axes, angles[0][0, shown], FIRST, "o", "white", colours)
    _circle(axes, angles[0][-1, shown], 1.0, "o", colours)
    keys = [_key("first step", "o", "white"), _key("free, outwards", "_"), _key("end of free", "o")]
    for index, (segment, angle) in enumerate(zip(recorded[1:], angles[1:], strict=True)):
        marker = "^vsDP"[index % 5]
        _circle(axes, angle[-1, shown], 1 + GAP * (index + 1), marker, colours)
        keys.append(_key(f"end of {phase_label(segment)}", marker))
    keys += [_key(f"unit {unit}", "_", colours[unit]) for unit in shown] if n <= FEW else []
    axes.legend(handles=keys, loc="center left", bbox_to_anchor=(1.05, 0.5), handlelength=1)
    _dress(axes, 1 + GAP * (len(recorded) - 1))
    set_title(axes, f"{layer}: {n} units" + (f" ({len(shown)} drawn)" if len(shown) < n else ""), layer)
    return axes


def _key(label: str, marker: str, colour: Any = "0.3") -> Line2D:
    """Return an entry of the legend."""
    edge = "0.3" if colour == "white" else colour
    style: dict[str, Any] = {"markersize": 5 if marker != "_" else 8, "markeredgecolor": edge}
    return Line2D([], [], linestyle="none", marker=marker, color=colour, label=label, **style)


def _circle(axes: Axes, angles: Array, radius: float, marker: str, fill: Any, edge: Any = "none") -> None:
    """Draw a circle, and a dot for each phase on it."""
    axes.plot(*_placed(np.linspace(0, 2 * np.pi, 200), radius), color="0.85", linewidth=0.6, zorder=-1)
    size, alpha = (14.0, 0.9) if len(angles) <= MANY else (5.0, 0.5)
    style: dict[str, Any] = {"s": size, "alpha": alpha, "linewidth": 0.7, "zorder": 3}
    axes.scatter(*_placed(angles, radius), marker=marker, facecolor=fill, edgecolor=edge, **style)


def coherence(run: Run, sample: int | None = None, when: str = "after", axes: Axes | None = None) -> Axes:
    """Draw the order parameter of each layer while samples settle, with the phases shaded.

    Parameters
    ----------
    run
        A finished run of a network of oscillators.
    sample
        Number of the sample among the recorded ones; all of them if left out.
    when
        Whether the samples were recorded ``"before"`` or ``"after"`` training.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If the run has no oscillators.
    """
    axes, recorded = axes or new_axes(), segments(run, when)
    layers = [layer for layer in _checked(run) if layer in recorded[0].states]
    for layer in layers:
        check_recorded(run.folder, recorded, layer, sample or 0)
    for index, layer in enumerate(layers):
        order = [order_parameter(segment.states[layer][state_of(run, layer)]) for segment in recorded]
        for number in range(order[0].shape[1]) if sample is None else [sample]:
            label = f"{layer}, sample {number}"
            for segment, values in zip(recorded, order, strict=True):
                t, r = from_free(segment, values[:, number], order[0][:, number])
                style = ("-", "--", ":", "-.")[number % 4]
                axes.plot(t * time_scale(recorded)[0], r, style, color=COLOURS[index % len(COLOURS)], label=label)
                label = "_"
    axes.set_ylim(0, 1.05)
    axes.set_ylabel("order parameter r")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return over_time(axes, recorded)


def order_parameter(angles: Array) -> Array:
    """Return |mean of exp(i phi)| over the units on the last axis, (...,), of phases (..., n) [rad]."""
    return np.abs(np.exp(1j * angles).mean(axis=-1))


def _checked(run: Run) -> list[str]:
    """Return the layers of oscillators.

    Raises
    ------
    SpecError
        If there are none.
    """
    layers = oscillating(run.network)
    if not layers:
        raise SpecError(
            f"{run.path}: substrate '{run.network.substrate_name}' has no oscillators; plot its settling instead."
        )
    return layers


def _placed(angles: Array, radius: Array | float) -> tuple[Array, Array]:
    return radius * np.cos(angles), radius * np.sin(angles)


def _dress(axes: Axes, radius: float) -> None:
    """Give axes a scale of angles instead of their own."""
    axes.set_aspect("equal")
    axes.set_axis_off()
    reach = radius + 0.28
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    for text, (x, y) in {"0": (1, 0), "π/2": (0, 1), "π": (-1, 0), "3π/2": (0, -1)}.items():
        axes.plot([FIRST * x, radius * x], [FIRST * y, radius * y], color="0.85", linewidth=0.6, zorder=-1)
        axes.text(
            (radius + 0.17) * x, (radius + 0.15) * y, text, ha="center", va="center", fontsize="small", color="0.35"
        )
