"""What figures of sweeps are made of: axes whose ticks are the values that were varied, curves, dots and maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import EngFormatter, NullLocator

from neuroeq.runs.sweeps.summary import mean_and_interval

from .style import plain

MARKERS = ("o", "s", "^", "D", "v")
MOST_TICKS = 10
"""The largest number of values that each have a tick."""
CLOSE = 2.0
"""Chance is drawn where it is no further below the lowest value than this times the range of all values."""
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """How a cell is drawn.

    Parameters
    ----------
    label
        The label in the legend.
    colour, marker
        The colour of the line, and the marker of its means.
    """

    label: str
    colour: str
    marker: str


@dataclass(frozen=True)
class Scale:
    """The axis of a key.

    Parameters
    ----------
    label
        The key, and the unit of its values.
    values
        The values as they were given, each once, in ascending order.
    numbers
        Where they are on the axis.
    texts
        The labels of their ticks.
    log
        Whether the axis is logarithmic.
    words
        Whether the values are no numbers.
    unit
        The SI unit of the numbers, if they have one.
    """

    label: str
    values: list[Any]
    numbers: list[float]
    texts: list[str]
    log: bool = False
    words: bool = False
    unit: str = ""

    @classmethod
    def of(cls, key: str, values: Sequence[Any], numbers: Sequence[float], unit: str) -> Scale:
        """Return the axis of values that are numbers in a unit."""
        order = np.argsort(numbers)
        ordered = [float(numbers[index]) for index in order]
        kept = unit not in ("", "steps")
        texts = [str(values[index]) if kept else f"{numbers[index]:.5g}" for index in order]
        label = "time after programming" if key == "at" else f"{key} [{unit}]" if unit == "steps" else key
        return cls(
            label, [values[index] for index in order], ordered, texts, asks_for_log(ordered), unit=unit if kept else ""
        )

    @classmethod
    def of_words(cls, key: str, values: Sequence[Any]) -> Scale:
        """Return the axis of values that are no numbers, which are evenly spaced."""
        texts = ["own" if value is None else str(value) for value in values]
        return cls(key, list(values), [float(index) for index in range(len(values))], texts, words=True)

    def place(self, value: Any) -> float:
        """Return where a value is on the axis."""
        return self.numbers[self.values.index(value)]

    def set(self, axes: Axes, drawn: bool = False) -> None:
        """Make it the x axis; values that were drawn at random have no ticks of their own."""
        if self.log:
            axes.set_xscale("log")
        if not drawn:
            axes.xaxis.set_minor_locator(NullLocator())
        if drawn and self.unit:
            axes.xaxis.set_major_formatter(EngFormatter(self.unit))
        if len(self.values) <= MOST_TICKS and not drawn:
            axes.set_xticks(self.numbers, [plain(text) for text in self.texts])
            long = sum(map(len, self.texts)) > 45
            axes.tick_params(axis="x", rotation=30 if long else 0)
        if self.words:
            axes.margins(x=0.15)
        axes.set_xlabel(plain(self.label))


def asks_for_log(numbers: Sequence[float]) -> bool:
    """Return whether ascending numbers are spaced more evenly by their logarithms than by their differences.

    >>> asks_for_log([0.05, 0.1, 0.2]), asks_for_log([4, 6, 8]), asks_for_log([1, 100])
    (True, False, True)
    """
    if numbers[0] <= 0:
        return False
    if len(numbers) == 2:
        return numbers[1] >= 10 * numbers[0]
    uneven = [np.ptp(steps) / np.mean(steps) for steps in (np.diff(np.log(numbers)), np.diff(numbers))]
    return bool(uneven[0] < uneven[1])


def curve(points: Sequence[Point], line: Line, axes: Axes) -> Axes:
    """Draw the means of points with the same x, their 95 % intervals, and a dot for each point.

    Parameters
    ----------
    points
        The points (x, y), one for each seed; NaN where there is none.
    line
        How they are drawn.
    axes
        The axes to draw into.
    """
    known = [(x, y) for x, y in points if np.isfinite(y)]
    places = sorted({x for x, _ in known})
    spread = [mean_and_interval([y for x, y in known if x == place]) for place in places]
    means = np.array([mean for mean, _ in spread], float)
    halves = np.array([half or 0.0 for _, half in spread])
    axes.plot(places, means, "-", marker=line.marker, markersize=4, color=line.colour, label=plain(line.label))
    if halves.any():
        axes.fill_between(places, means - halves, means + halves, color=line.colour, alpha=0.15, linewidth=0)
        scatter(known, Line("", line.colour, "o"), axes)
    return axes


def scatter(points: Sequence[Point], line: Line, axes: Axes) -> Axes:
    """Draw a dot for each point (x, y); NaN where there is none."""
    x, y = np.array([*zip(*points, strict=True)], float).reshape(2, -1)
    label = plain(line.label) or None
    axes.plot(x, y, line.marker, markersize=3, markeredgewidth=0, alpha=0.55, color=line.colour, label=label)
    return axes


def references(
    axes: Axes, chance: float | None, unvaried: dict[str, float], colours: dict[str, str], word: str
) -> Axes:
    """Draw lines at chance, where it is not far below all else, and at the unvaried network on each substrate.

    Parameters
    ----------
    axes
        The axes with the curves.
    chance
        What guessing reaches; None if nothing is guessed.
    unvaried
        What the unvaried network reaches, by its cell.
    colours
        The colours of the lines of cells on the same substrate; grey where there is none.
    word
        What the unvaried network is called.
    """
    for index, (cell, value) in enumerate(unvaried.items()):
        style: dict[str, Any] = {"color": colours.get(cell, "0.35"), "linestyle": (0, (4 + 2 * index, 2))}
        axes.axhline(value, label=plain(f"{cell}, {word}"), linewidth=0.9, zorder=0, **style)
    if chance is None:
        return axes
    low, high = axes.dataLim.intervaly
    near = low - chance <= CLOSE * (high - low)
    if near:
        axes.axhline(chance, color="0.5", linewidth=0.9, linestyle=":", label="chance", zorder=0)
    else:
        axes.plot([], [], color="0.5", linewidth=0.9, linestyle=":", label=f"chance is at {chance:.3g}, further below")
    return axes


def heat_map(
    values: np.ndarray, across: Scale, up: Scale, limits: Point, text: Callable[[float], str], axes: Axes
) -> Any:
    """Draw a map with the number in each field, and return its image.

    Parameters
    ----------
    values
        The numbers, (n_up, n_across); NaN where there is none.
    across, up
        The axes of the two keys.
    limits
        The numbers of the darkest and of the brightest colour.
    text
        A function that returns a number as text.
    axes
        The axes to draw into.
    """
    image = axes.imshow(values, origin="lower", aspect="auto", cmap="cividis", norm=Normalize(*limits))
    middle = (limits[0] + limits[1]) / 2
    for (y, x), value in np.ndenumerate(values):
        colour = "0.2" if not np.isfinite(value) else "white" if value < middle else "black"
        axes.text(
            x, y, text(value) if np.isfinite(value) else "–", ha="center", va="center", color=colour, fontsize=7.5
        )
    axes.set_xticks(range(len(across.values)), [plain(each) for each in across.texts])
    axes.set_yticks(range(len(up.values)), [plain(each) for each in up.texts])
    axes.set_xlabel(plain(across.label))
    axes.set_ylabel(plain(up.label))
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    return image
