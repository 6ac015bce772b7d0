"""Figures of layers with a shape: kernels of a convolution as small images, and the activity of its channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.runs.analysis import segments, state_of
from neuroeq.runs.records.recorded import check_recorded
from neuroeq.runs.run import Run

from .style import new_axes

Array = np.ndarray
COLUMNS, ROWS = 8, 8
"""Most images that stand side by side, and above each other."""


def mapped(network: Network) -> list[str]:
    """Return the free layers with a shape, in the order of the file."""
    return [name for name, layer in network.layers.items() if layer.shape is not None and layer.role != "input"]


def kernels(run: Run, projection: str | None = None, axes: Axes | None = None) -> Axes:
    """Draw the trained kernels of a convolution as images, on one scale of colours that is symmetric around 0.

    Each column is a kernel; where the layer that sends has several channels, its images stand above each other.

    Parameters
    ----------
    run
        A finished run of a network with a convolution.
    projection
        The name of the convolution; the first one of the network if left out.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If the network has no convolution, or none of that name.
    """
    axes, known = axes or new_axes(), run.network.convolutions
    if not known or projection not in (None, *known):
        raise SpecError(
            f"{run.path}: no convolution '{projection or 'any'}' in it; expected {' or '.join(known) or 'none'}."
        )
    name = projection or known[0]
    weights = np.asarray(run.params[name], float)
    count, senders, width = weights.shape[:3]
    seen = min(senders, ROWS)
    shown = weights[: COLUMNS * max(1, ROWS // seen), :seen]
    blocks = [shown[at : at + COLUMNS] for at in range(0, len(shown), COLUMNS)]
    tiles = [row for block in blocks for row in block.swapaxes(0, 1)]
    limit = float(np.abs(shown).max()) or 1.0
    labels = [
        f"{at * COLUMNS}–{at * COLUMNS + len(block) - 1}" + (f", from {sender}" if senders > 1 else "")
        for at, block in enumerate(blocks)
        for sender in range(seen)
    ]
    conductive = run.network.kind.conductances
    scale = {"cmap": "viridis", "vmin": 0} if conductive else {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    _images(axes, tiles, labels, "conductance [g_unit]" if conductive else "weight", **scale)
    axes.set_ylabel("kernel")
    axes.set_title(f"{name}: {_some(len(shown), count)} kernels of {width} × {width}, after training")
    return axes


def maps(run: Run, layer: str | None = None, sample: int = 0, when: str = "after", axes: Axes | None = None) -> Axes:
    """Draw the activity of every channel of a layer at the end of a free phase, as images.

    It is the rate of spikes over the free phase where units spike, and else the state at its end.

    Parameters
    ----------
    run
        A finished run of a network in which a free layer has a shape.
    layer
        The name of the layer; the first one with a shape if left out.
    sample
        Number of the sample among the recorded ones.
    when
        Whether the sample was recorded ``"before"`` or ``"after"`` training.
    axes
        The axes to draw into; those of a new figure if left out.

    Raises
    ------
    SpecError
        If no layer has a shape, or none of that name.
    """
    axes, known = axes or new_axes(), mapped(run.network)
    if not known or layer not in (None, *known):
        raise SpecError(f"{run.path}: layer '{layer or 'any'}' has no shape; expected {' or '.join(known) or 'none'}.")
    layer = layer or known[0]
    shape = run.network.layers[layer].shape
    assert shape is not None, "it is one of those with a shape"
    values, label = _activity(run, layer, sample, when)
    channels = values.reshape(shape)[: COLUMNS * ROWS]
    tiles = [channels[at : at + COLUMNS] for at in range(0, len(channels), COLUMNS)]
    labels = [f"{at * COLUMNS}–{at * COLUMNS + len(row) - 1}" for at, row in enumerate(tiles)]
    low = min(0.0, float(values.min()))
    _images(axes, tiles, labels, label, cmap="viridis", vmin=low, vmax=float(values.max()) or 1.0)
    axes.set_ylabel("channel")
    axes.set_title(f"{layer}: {_some(len(channels), shape[0])} channels of {shape[1]} × {shape[2]}, {when} training")
    return axes


def _activity(run: Run, layer: str, sample: int, when: str) -> tuple[Array, str]:
    """Return the activity of the units of a layer in a free phase, (n,), and the words for the bar of colours."""
    phases = segments(run, when)
    free, size = phases[0], run.network.layers[layer].size
    check_recorded(run.folder, phases, layer, sample)
    if len(free.recorded[layer]) < size:
        raise SpecError(
            f"{run.path}: only {len(free.recorded[layer])} of {size} units of layer '{layer}' are recorded."
        )
    if layer in free.spikes:
        _, samples, units = free.spikes[layer]
        counts = np.bincount(units[samples == sample], minlength=size)
        return counts / (free.end - free.start), "spikes per second [Hz]"
    name = state_of(run, layer)
    unit = free.units[name]
    return free.states[layer][name][-1, sample], f"state {name}" + ("" if unit == "1" else f" [{unit}]")


def _images(axes: Axes, rows: list[Array], labels: list[str], label: str, **scale: Any) -> None:
    """Draw rows of images, each (n, height, width), with gaps between them, a name for each row, and a bar of colours.

    A row that is shorter than the first ends early.
    """
    height, width = rows[0].shape[1:]
    gap = max(1, round(width / 6))
    picture = np.full((len(rows) * (height + gap) - gap, len(rows[0]) * (width + gap) - gap), np.nan)
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            top, left = y * (height + gap), x * (width + gap)
            picture[top : top + height, left : left + width] = image
    drawn = axes.imshow(picture, interpolation="nearest", **scale)
    axes.set_xticks([])
    axes.set_yticks([y * (height + gap) + (height - 1) / 2 for y in range(len(rows))], labels)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.figure.colorbar(drawn, cax=axes.inset_axes((1.02, 0, 0.02, 1)), label=label)


def height_of(images: int, width: float = 7.0) -> float:
    """Return the height of a figure that shows so many square images, for its width [in]."""
    rows = min(-(-images // COLUMNS), ROWS)
    return 0.7 + rows * 0.8 * width / min(images, COLUMNS)


def _some(shown: int, all_of_them: int) -> str:
    return str(all_of_them) if shown == all_of_them else f"{shown} of {all_of_them}"
