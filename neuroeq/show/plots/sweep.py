"""Figures of a sweep, chosen by what was varied: curves over one key, maps over two, dots over random points.

A curve shows the mean over seeds with its 95 % interval, and a dot for each seed. Reference lines show chance, and the
network with nothing varied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from neuroeq.errors import SpecError, unknown_name
from neuroeq.runs.sweeps import Sweep, as_numbers
from neuroeq.units import short_text

from .style import COLOURS, files_of, plain, styled, write_all
from .sweep_axes import MARKERS, Line, Scale, curve, heat_map, references, scatter

MOST_PANELS = 12
"""The largest number of panels of a figure."""


@dataclass(frozen=True)
class Quantity:
    """What a figure of a sweep shows.

    Parameters
    ----------
    name, title
        The name of the file, and the label of the axis.
    key
        The column of the table.
    factor, offset
        What the axis shows is offset + factor x number.
    unit
        The unit, with SI prefixes at the ticks, of what may span decades.
    digits
        The digits after the point of numbers in a map; with none, they have three digits and the unit.
    """

    name: str
    title: str
    key: str
    factor: float = 1.0
    offset: float = 0.0
    unit: str = ""
    digits: int | None = None

    @property
    def most(self) -> float:
        """The largest number that there can be."""
        return np.inf if self.key == "test_rmse" else abs(self.factor)

    def of(self, row: dict[str, Any]) -> float:
        """Return the number of a row; NaN if there is none."""
        return np.nan if row[self.key] is None else self.offset + self.factor * row[self.key]

    def text(self, value: float) -> str:
        """Return a number as it stands in a map."""
        return short_text(value, self.unit) if self.digits is None else f"{value:.{self.digits}f}"


QUANTITIES = (
    Quantity("accuracy", "test accuracy [%]", "test_error", -100, 100, digits=1),
    Quantity("training_accuracy", "training accuracy [%]", "train_error", -100, 100, digits=1),
    Quantity("rmse", "test RMSE", "test_rmse"),
    Quantity("r2", "test R²", "test_r2", digits=4),
    Quantity("gradient_cosine", "cosine of the update with the gradient", "gradient_cosine", digits=3),
    Quantity("gradient_cosine_start", "cosine with the gradient, at first", "gradient_cosine_start", digits=3),
    Quantity("energy", "energy of an inference", "energy_per_inference_J", unit="J"),
    Quantity("latency", "latency of an inference", "latency_per_inference_s", unit="s"),
)


def save_sweep(
    sweep: Sweep,
    names: Sequence[str] = ("all",),
    folder: str | Path | None = None,
    formats: Sequence[str] = ("png", "svg"),
    size: tuple[float, float] | None = None,
) -> list[Path]:
    """Draw the figures of a sweep and write each in some formats.

    Parameters
    ----------
    sweep
        The sweep, finished or not.
    names
        Names of `QUANTITIES`, or ``"all"`` for those that the sweep has numbers for.
    folder
        The folder to write to, or the file of a single figure; ``figures`` in that of the sweep if left out.
    formats
        Formats of the files in a folder.
    size
        Width and height of the files [in]; the figure's own if left out.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    SpecError
        If no cell is done, the sweep has no such number, or too many keys are varied for a figure.
    UnknownNameError
        If there is no figure of that name.
    """
    if not sweep.count("done"):
        raise SpecError(f"{sweep.path}: no cell is done yet; give the command of the sweep again to go on with it.")
    known = {each.name: each for each in QUANTITIES}
    for name in names:
        if name not in (*known, "all"):
            raise unknown_name("figure of a sweep", name, known, f"There are: {', '.join([*known, 'all'])}.")
    chosen = [each for each in QUANTITIES if _worth(sweep, each)] if "all" in names else [known[name] for name in names]
    files = files_of([each.name for each in chosen], folder or sweep.path / "figures", formats)
    written = list[Path]()
    with styled(size and size[0]):
        for quantity in chosen:
            if not _has(sweep, quantity):
                raise SpecError(f"{sweep.path}: has no numbers for figure '{quantity.name}'.")
            figure = sweep_figure(sweep, quantity)
            written += write_all(figure, files[quantity.name], size)
    return written


def sweep_figure(sweep: Sweep, quantity: Quantity) -> Figure:
    """Return the figure of one quantity of a sweep.

    Raises
    ------
    SpecError
        If too many keys are varied for a figure.
    """
    together = [keys for keys in sweep.dimensions.values() if len(keys) > 1]
    scales = {key: scale for key in sweep.keys if (scale := _scale(sweep, key)) is not None}
    if together:
        return _dots(sweep, quantity, [key for keys in together for key in keys if key in scales], scales)
    numeric = [key for key in sweep.keys if key in scales]
    others = [key for key in sweep.keys if key not in scales]
    if len(numeric) < 2:
        return _curves(sweep, quantity, numeric[0] if numeric else None, others, scales)
    return _maps(sweep, quantity, numeric[:2], [*others, *numeric[2:]], scales)


def _worth(sweep: Sweep, quantity: Quantity) -> bool:
    """Whether a figure shows something: training accuracy only does where there is no test, and a cost that varies."""
    if quantity.name == "training_accuracy" and any(row["test_error"] is not None for row in sweep.rows):
        return False
    values = {quantity.of(row) for row in sweep.rows if row[quantity.key] is not None}
    return len(values) > 1 or (bool(values) and not quantity.unit)


def _has(sweep: Sweep, quantity: Quantity) -> bool:
    return any(row[quantity.key] is not None for row in sweep.rows)


def _scale(sweep: Sweep, key: str) -> Scale | None:
    """Return the axis of a key whose values are different numbers; None for another one."""
    values = list(dict.fromkeys(row[key] for row in sweep.rows if row[key] is not None))
    read = as_numbers(values)
    return None if read is None or len(values) < 2 else Scale.of(key, values, *read)


def _lines(sweep: Sweep, others: Sequence[str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the rows of each cell and each value of the other keys, with its label."""
    groups: dict[str, list[dict[str, Any]]] = {}
    several = len({row["cell"] for row in sweep.rows}) > 1 or not any(_varies(sweep, key) for key in others)
    for row in sweep.rows:
        parts = [row["cell"]] if several else []
        parts += [f"{key.rpartition('.')[2]} {row[key]}" for key in others if _varies(sweep, key)]
        groups.setdefault(", ".join(parts), []).append(row)
    return list(groups.items())


def _varies(sweep: Sweep, key: str) -> bool:
    return len({repr(row[key]) for row in sweep.rows}) > 1


def _curves(
    sweep: Sweep, quantity: Quantity, key: str | None, others: Sequence[str], scales: dict[str, Scale]
) -> Figure:
    """Draw curves over a key of numbers, or over the only key whatever its values."""
    if key is None:
        key, *others = others
        values = list(dict.fromkeys(row[key] for row in sweep.rows))
        scales = {key: Scale.of_words(key, values)}
    lines = _lines(sweep, others)
    if len(lines) > MOST_PANELS:
        raise _too_many(sweep, len(lines), "curves")
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    axes = figure.subplots()
    for index, (label, rows) in enumerate(lines):
        points = [(scales[key].place(row[key]), quantity.of(row)) for row in rows if row[key] is not None]
        style = Line(label, COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)])
        curve(points, style, axes=axes)
    _finished(axes, sweep, quantity, scales[key], _colours(lines))
    return figure


def _maps(
    sweep: Sweep, quantity: Quantity, keys: Sequence[str], others: Sequence[str], scales: dict[str, Scale]
) -> Figure:
    """Draw a map over two keys for each cell and each value of the others."""
    lines = _lines(sweep, others)
    if len(lines) > MOST_PANELS:
        raise _too_many(sweep, len(lines), "maps")
    across, up = (scales[key] for key in keys)
    width, height = max(3.2, 0.62 * len(across.values) + 1.4), max(2.9, 0.42 * len(up.values) + 1.2)
    columns = min(len(lines), 3)
    n_rows = -(-len(lines) // columns)
    figure = Figure(figsize=(width * columns, height * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, columns, squeeze=False).ravel()
    every = [value for row in sweep.rows if np.isfinite(value := quantity.of(row))]
    limits = (min(every), max(every)) if every else (0.0, 1.0)
    for axes, (label, rows) in zip(panels, lines, strict=False):
        values = np.full((len(up.values), len(across.values)), np.nan)
        for y, high in enumerate(up.values):
            for x, wide in enumerate(across.values):
                found = [quantity.of(row) for row in rows if row[keys[0]] == wide and row[keys[1]] == high]
                values[y, x] = _mean(found)
        image = heat_map(values, across, up, limits, quantity.text, axes=axes)
        axes.set_title(plain(_with_references(sweep, quantity, label, rows)))
    for axes in panels[len(lines) :]:
        axes.set_axis_off()
    bar = figure.colorbar(image, ax=list(panels[: len(lines)]), label=quantity.title)
    if quantity.unit:
        bar.ax.yaxis.set_major_formatter(EngFormatter(quantity.unit))
    return figure


def _dots(sweep: Sweep, quantity: Quantity, keys: Sequence[str], scales: dict[str, Scale]) -> Figure:
    """Draw a panel for each key of those that vary together, with a dot for each cell and seed."""
    if not keys or len(keys) > MOST_PANELS:
        raise _too_many(sweep, len(keys), "keys of numbers that vary together")
    lines = _lines(sweep, [key for key in sweep.keys if key not in scales])
    columns = min(len(keys), 3)
    n_rows = -(-len(keys) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.2 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, columns, squeeze=False, sharey=True).ravel()
    for axes, key in zip(panels, keys, strict=False):
        for index, (label, rows) in enumerate(lines):
            points = [(scales[key].place(row[key]), quantity.of(row)) for row in rows if row[key] is not None]
            style = Line(label, COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)])
            scatter(points, style, axes=axes)
        _finished(axes, sweep, quantity, scales[key], _colours(lines), first=axes is panels[0])
    for axes in panels[len(keys) :]:
        axes.set_axis_off()
    return figure


def _colours(lines: Sequence[tuple[str, list[dict[str, Any]]]]) -> dict[str, str]:
    """Return the colours of the lines by substrate, where each has one of its own."""
    substrates = [rows[0]["substrate"] for _, rows in lines]
    alone = len(set(substrates)) == len(substrates) > 1
    return dict(zip(substrates, COLOURS, strict=False)) if alone else {}


def _finished(
    axes: Axes, sweep: Sweep, quantity: Quantity, scale: Scale, colours: dict[str, str], first: bool = True
) -> None:
    """Add reference lines, labels and the legend."""
    scale.set(axes, drawn="sample" in sweep.dimensions)
    references(axes, *_references(sweep, quantity), colours, sweep.reference)
    axes.set_ylabel(quantity.title)
    low, high = axes.get_ylim()
    if quantity.unit:
        axes.yaxis.set_major_formatter(EngFormatter(quantity.unit))
        axes.set_yscale("log" if low > 0 and high > 10 * low else "linear")
    else:
        axes.set_ylim(max(low, -0.02 * quantity.most), min(high, 1.02 * quantity.most))
    failed = sweep.count("failed")
    if first:
        axes.set_title(plain(sweep.title + (f" ({failed} cells failed)" if failed else "")))
    handles, labels = axes.get_legend_handles_labels()
    if first and handles:
        columns = 2 if max(map(len, labels)) < 32 else 1
        axes.figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def _references(sweep: Sweep, quantity: Quantity) -> tuple[float | None, dict[str, float]]:
    """Return the accuracy of guessing, and the mean of the unvaried network on each substrate."""
    of_chance = quantity.key in ("test_error", "train_error")
    chances = [row["chance_error"] for row in sweep.rows if row["chance_error"] is not None]
    chance = quantity.offset + quantity.factor * chances[0] if of_chance and chances else None
    cells = dict.fromkeys(row["cell"] for row in sweep.references)
    means = {cell: _mean([quantity.of(row) for row in sweep.references if row["cell"] == cell]) for cell in cells}
    return chance, {cell: mean for cell, mean in means.items() if np.isfinite(mean)}


def _mean(values: Sequence[float]) -> float:
    """Return the mean of the seeds that are done; NaN if none is."""
    done = [value for value in values if np.isfinite(value)]
    return float(np.mean(done)) if done else float("nan")


def _with_references(sweep: Sweep, quantity: Quantity, label: str, rows: Sequence[dict[str, Any]]) -> str:
    chance, means = _references(sweep, quantity)
    unvaried = means.get(rows[0]["substrate"])
    parts = [] if unvaried is None else [f"{sweep.reference} {quantity.text(unvaried)}"]
    parts += [] if chance is None else [f"chance {quantity.text(chance)}"]
    return label + (f"\n{', '.join(parts)}" if parts else "")


def _too_many(sweep: Sweep, n: int, what: str) -> SpecError:
    return SpecError(
        f"{sweep.path}: a figure of {n} {what} cannot be read; expected 1 to {MOST_PANELS}, so draw it from "
        "neuroeq.open_sweep, or sweep fewer keys."
    )
