"""The rows of a sweep averaged over seeds, with their 95 % intervals.

mean +- t(0.975, n - 1) s / sqrt(n)          Student's t, s the standard deviation of n seeds
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from neuroeq.units import prefixed

from .columns import NUMBERS
from .table import Row, Sweep


@dataclass(frozen=True)
class Mean:
    """A point of the grid on one substrate, averaged over its seeds.

    Parameters
    ----------
    values
        The values of the varied keys.
    cell
        The substrate, and after a colon its hardware.
    seeds
        The number of seeds with which it could be trained.
    mean, interval
        The means by the names of the numbers, and half their 95 % intervals; None where there is none.
    """

    values: dict[str, Any]
    cell: str
    seeds: int
    mean: dict[str, float | None]
    interval: dict[str, float | None]


@dataclass(frozen=True)
class Shown:
    """A column of the table that is printed.

    Parameters
    ----------
    title, key
        The title, and the name of the number.
    factor, digits
        The factor that it is multiplied by, and the digits after the point; with a unit, or without such a number of
        digits, three digits are shown.
    unit
        The unit, whose prefix every row chooses.
    """

    title: str
    key: str
    factor: float = 1.0
    digits: int | None = 1
    unit: str = ""

    def text(self, mean: Mean) -> str:
        """Return the entry of a row."""
        value, half = mean.mean[self.key], mean.interval[self.key]
        if value is None:
            return ""
        size, prefix = prefixed(value, most=0) if self.unit else (1 / self.factor, "")
        texts = [
            f"{each / size:.3g}" if self.unit or self.digits is None else f"{each / size:.{self.digits}f}"
            for each in (value, half)
            if each is not None
        ]
        return " ± ".join(texts) + (f" {prefix}{self.unit}" if self.unit else "")


COLUMNS = (
    Shown("test error [%]", "test_error", 100),
    Shown("train error [%]", "train_error", 100),
    Shown("test RMSE", "test_rmse", digits=None),
    Shown("test R^2", "test_r2", digits=4),
    Shown("gradient cosine", "gradient_cosine", digits=3),
    Shown("energy per inference", "energy_per_inference_J", unit="J"),
    Shown("latency of an inference", "latency_per_inference_s", unit="s"),
    Shown("CPU [s]", "cpu_s"),
)


def summaries(sweep: Sweep) -> list[Mean]:
    """Return the means of all points of a sweep, in the order of its rows."""
    groups: dict[Any, list[Row]] = {}
    for row in sweep.rows:
        groups.setdefault((row["cell"], *(repr(row[key]) for key in sweep.keys)), []).append(row)
    return [mean_of(rows, sweep.keys) for rows in groups.values()]


def mean_of(rows: Sequence[Row], keys: Sequence[str]) -> Mean:
    """Return the mean of rows that differ in their seeds only."""
    done = [row for row in rows if row["status"] == "done"]
    spread = {name: mean_and_interval([row[name] for row in done if row[name] is not None]) for name in NUMBERS}
    return Mean(
        {key: rows[0][key] for key in keys},
        rows[0]["cell"],
        len(done),
        {name: mean for name, (mean, _) in spread.items()},
        {name: half for name, (_, half) in spread.items()},
    )


def mean_and_interval(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Return the mean and half its 95 % interval; None if there are too few values, or any is missing."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None, None
    if len(known) == 1:
        return float(known[0]), None
    from scipy.special import stdtrit  # scipy.stats takes half a second to import

    half = stdtrit(len(known) - 1, 0.975) * np.std(known, ddof=1) / sqrt(len(known))
    return float(np.mean(known)), float(half)


def shown_columns(means: Sequence[Mean]) -> list[Shown]:
    """Return the columns in which any row has a number."""
    return [column for column in COLUMNS if any(mean.mean[column.key] is not None for mean in means)]
