"""The columns of a comparison's table, as text: means, with their 95 % intervals where there are several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from .rows import Summary

PREFIXES = {0: "", -3: "m", -6: "µ", -9: "n", -12: "p", -15: "f", -18: "a"}


@dataclass(frozen=True)
class Column:
    """One column of the table of a comparison.

    Parameters
    ----------
    title
        The title, with the unit if it is the same in all rows.
    key
        The key of the numbers in a summary.
    factor
        The factor that numbers are multiplied by.
    digits
        The number of digits after the decimal point.
    unit
        The unit, if every row chooses a prefix for it.
    none
        The text that is shown if there is no number.
    zero
        The text that is shown for 0, if it is not the number.
    """

    title: str
    key: str
    factor: float = 1.0
    digits: int = 1
    unit: str = ""
    none: str = "–"
    zero: str = ""

    def text(self, row: Summary) -> str:
        """Return the entry of a row as text."""
        mean, half = row.mean[self.key], row.interval[self.key]
        if mean is None:
            return self.none if row.seeds else ""
        if self.unit:
            return with_prefix(mean, half, self.factor, self.unit)
        text = f"{self.factor * mean:.{self.digits}f}"
        if mean == 0 and self.zero:
            return self.zero
        return text if half is None else f"{text} ± {self.factor * half:.{self.digits}f}"


LEARNED = Column("learned [% of seeds]", "learned", 100, digits=0, zero="not learned")
"""The column that is shown if not every cell has learned."""
COLUMNS = (
    Column("test accuracy [%]", "test_accuracy", 100),
    Column("train accuracy [%]", "train_accuracy", 100),
    Column("gradient cosine, start", "cosine_start", digits=3, none="no reference"),
    Column("gradient cosine, end", "cosine_end", digits=3, none="no reference"),
    Column("settling time", "settling_ms", 1e-3, unit="s", none="not settled"),
    Column("energy per inference", "energy_per_inference_J", unit="J"),
    Column("energy per update", "energy_per_update_J", unit="J"),
    Column("pulses a weight and epoch", "pulses_per_weight", digits=2),
    Column("spikes per inference", "spikes_per_inference", digits=0),
    Column("CPU [s]", "cpu_s"),
)


def used(rows: Sequence[Summary]) -> list[Column]:
    """Return the columns in which any row has a number, and whether cells have learned if not all have."""
    first = [LEARNED] if any(row.mean["learned"] not in (None, 1.0) for row in rows) else []
    return first + [column for column in COLUMNS if any(row.mean[column.key] is not None for row in rows)]


def with_prefix(mean: float, half: float | None, factor: float, unit: str) -> str:
    """Return a number with the SI prefix that makes it easiest to read.

    >>> with_prefix(1.25e-9, None, 1.0, "J")
    '1.25 nJ'
    """
    mean, half = factor * mean, None if half is None else factor * half
    exponent = 0 if mean == 0 else int(min(0, max(-18, 3 * floor(log10(abs(mean)) / 3))))
    size = 10.0**exponent
    text = f"{mean / size:.3g}" if half is None else f"{mean / size:.3g} ± {half / size:.2g}"
    return f"{text} {PREFIXES[exponent]}{unit}"
