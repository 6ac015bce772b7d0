"""The strips of a raster: one for each layer, with the units that it shows and the numbers beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from neuroeq.describe.selection import Units, selected
from neuroeq.errors import SpecError, unknown_name
from neuroeq.runs.analysis import Segment
from neuroeq.runs.run import Run

from .fitted import Numbers

MOST_UNITS, MOST_NUMBERED = 64, 16
"""Most units of a layer that a raster shows by itself; most rows of a layer whose numbers are written."""
SHARE, GAP = 0.4, 0.03
"""Least height of a strip as a share of the tallest one, and gap between strips as a share of all of them."""


@dataclass(frozen=True)
class Band:
    """The horizontal strip of a raster in which a layer is drawn.

    Parameters
    ----------
    units
        The units that are shown, from the lowest row: (n,).
    bottom, height
        Where the strip begins on the y axis, and how high it is.
    gap
        The distance of the strips.
    caption
        What the label of the strip says below the name of the layer.
    groups
        The numbers of the groups of rows: of single units, or of channels.
    """

    units: np.ndarray
    bottom: float
    height: float
    gap: float
    caption: str
    groups: np.ndarray


def bands_of(run: Run, phase: Segment, layers: list[str], asked: Mapping[str, Units]) -> list[Band]:
    """Return a strip for every layer, tall enough for few units, and with a selection of the units of a large layer.

    Of a layer with a shape, whole channels are selected, as many as have so many units together.

    Parameters
    ----------
    run
        The run that recorded the layers.
    phase
        One of its recorded phases.
    layers
        The layers that are shown, from the lowest.
    asked
        The units that the user wants to see, by layer.

    Raises
    ------
    SpecError
        If units are asked for that are not recorded, or of a layer that is not shown.
    """
    for layer in asked:
        if layer not in layers:
            raise unknown_name("layer with spikes", layer, layers, f"There are: {', '.join(layers)}.")
    rows = [_rows(run, phase, layer, asked.get(layer)) for layer in layers]
    tallest = max(len(units) for units, _, _ in rows)
    heights = [max(len(units), SHARE * tallest) for units, _, _ in rows]
    gap, bands, bottom = GAP * sum(heights), list[Band](), 0.0
    for (units, caption, groups), height in zip(rows, heights, strict=True):
        bands.append(Band(units, bottom, height, gap, caption, groups))
        bottom += height + gap
    return bands


def _rows(run: Run, phase: Segment, name: str, asked: Units | None) -> tuple[np.ndarray, str, np.ndarray]:
    """Return the units of a layer that are shown, what its label says of them, and the numbers of their groups."""
    layer, recorded = run.network.layers[name], phase.recorded.get(name)
    if asked is not None or (recorded is not None and len(recorded) < layer.size):
        units = chosen_units(run, phase, name, asked)
        units = units if asked is not None else units[spread(len(units), MOST_UNITS)]
        return units, _range(units).replace("units", "").strip() + f" of {layer.size}", units
    each = 1 if layer.shape is None else layer.size // layer.shape[0]
    groups = spread(layer.size // each, MOST_UNITS // each or 1)
    units = (groups[:, None] * each + spread(each, MOST_UNITS)).ravel()
    what, count = (" units", layer.size) if layer.shape is None else (" channels", layer.shape[0])
    some = f"{len(groups)} of {count}{what if layer.shape else ''}"
    return units, f"{count}{what}" if len(groups) == count else some, groups


def chosen_units(run: Run, phase: Segment, layer: str, asked: Units | None) -> np.ndarray:
    """Return the units of a layer that are asked for, or all that are recorded.

    Raises
    ------
    SpecError
        If some that are asked for do not exist or are not recorded.
    """
    recorded, size = phase.recorded.get(layer), run.network.layers[layer].size
    known = np.arange(size) if recorded is None else recorded
    if asked is None:
        return known
    units = selected(asked, size, f"units of layer '{layer}'")
    absent = np.setdiff1d(units, known)
    if len(absent):
        raise SpecError(
            f"{run.path}: unit {absent[0]} of layer '{layer}' is not recorded; recorded are {_range(known)}."
        )
    return units


def number(axes: Axes, band: Band) -> None:
    """Write the numbers of few units or channels beside their rows, and draw lines between channels."""
    height, channels = band.height / len(band.groups), len(band.groups) < len(band.units)
    if len(band.groups) > MOST_NUMBERED:
        return
    Numbers(axes, band.groups.tolist(), band.bottom + 0.45 * height, height)
    for row in range(1, len(band.groups) if channels else 0):
        axes.axhline(band.bottom + row * height - 0.1, color="0.85", linewidth=0.5, zorder=-1)


def spread(size: int, most: int) -> np.ndarray:
    """Return numbers below `size`, from its first to its last, evenly."""
    return np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))


def _range(units: np.ndarray) -> str:
    """Return units as labels name them."""
    one_by_one = len(units) > 1 and len(units) == units[-1] - units[0] + 1
    if len(units) == 1:
        return f"unit {units[0]}"
    return f"units {units[0]}\u2013{units[-1]}" if one_by_one else f"{len(units)} units"
