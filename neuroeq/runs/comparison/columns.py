"""The columns of a comparison's table, as text: words, and means with their 95 % intervals over several seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from neuroeq.units import prefixed

from .rows import Summary

ABSENT = "–"
"""The text of an entry that there is none of."""


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
        The number of digits after the decimal point; None for three digits in all.
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
    digits: int | None = 1
    unit: str = ""
    none: str = ABSENT
    zero: str = ""

    def known(self, row: Summary) -> bool:
        """Whether a row has such an entry."""
        return row.mean[self.key] is not None

    def text(self, row: Summary) -> str:
        """Return the entry of a row as text."""
        mean, half = row.mean[self.key], row.interval[self.key]
        if mean is None:
            return "" if not row.seeds else ABSENT if row.baseline else self.none
        if self.unit:
            return with_prefix(mean, half, self.factor, self.unit)
        if mean == 0 and self.zero:
            return self.zero
        digits = ".3g" if self.digits is None else f".{self.digits}f"
        return " ± ".join(f"{self.factor * each:{digits}}" for each in (mean, half) if each is not None)


@dataclass(frozen=True)
class Words(Column):
    """A column of words, which are the same for all seeds.

    Parameters
    ----------
    words
        The function that returns the entry of a row; an empty text where there is none.
    """

    words: Callable[[Summary], str] = field(kw_only=True)

    def known(self, row: Summary) -> bool:
        """Whether a row has such an entry."""
        return bool(self.words(row))

    def text(self, row: Summary) -> str:
        """Return the entry of a row as text."""
        return self.words(row) or (ABSENT if row.seeds else "")


LEARNED = Column("learned [% of seeds]", "learned", 100, digits=0, zero="not learned")
"""The column that is shown if not every cell has learned."""
COLUMNS: tuple[Column, ...] = (
    Words("layers", "layers", words=lambda row: layers_text(row.layers)),
    Words("updates", "updates", words=lambda row: f"{row.updates:,}" if row.updates else ""),
    Column("test accuracy [%]", "test_accuracy", 100),
    Column("train accuracy [%]", "train_accuracy", 100),
    Column("RMSE", "rmse", digits=None),
    Column("R²", "r2", digits=4),
    Column("gradient cosine, start", "cosine_start", digits=3, none="no reference"),
    Column("gradient cosine, end", "cosine_end", digits=3, none="no reference"),
    Column("settling time", "settling_ms", 1e-3, unit="s", none="not settled"),
    Column("energy per inference", "energy_per_inference_J", unit="J"),
    Column("energy per update", "energy_per_update_J", unit="J"),
    Column("latency of an inference", "latency_per_inference_s", unit="s"),
    Column("latency of an update", "latency_per_update_s", unit="s"),
    Words("programming scheme", "scheme", words=lambda row: row.scheme or ""),
    Column("pulses a weight and epoch", "pulses_per_weight", digits=2),
    Column("spikes per inference", "spikes_per_inference", digits=0),
    Column("CPU [s]", "cpu_s"),
)


def used(rows: Sequence[Summary]) -> list[Column]:
    """Return the columns in which any row has a number, and whether cells have learned if not all have."""
    first = [LEARNED] if any(row.mean["learned"] not in (None, 1.0) for row in rows) else []
    return first + [column for column in COLUMNS if any(map(column.known, rows))]


def layers_text(sizes: Sequence[int]) -> str:
    """Return the sizes of layers as text.

    >>> layers_text([64, 256, 10])
    '64-256-10'
    """
    return "-".join(map(str, sizes))


def with_prefix(mean: float, half: float | None, factor: float, unit: str) -> str:
    """Return a number with the SI prefix that makes it easiest to read.

    >>> with_prefix(1.25e-9, None, 1.0, "J")
    '1.25 nJ'
    """
    mean, half = factor * mean, None if half is None else factor * half
    size, prefix = prefixed(mean, most=0)
    text = f"{mean / size:.3g}" if half is None else f"{mean / size:.3g} ± {half / size:.2g}"
    return f"{text} {prefix}{unit}"
