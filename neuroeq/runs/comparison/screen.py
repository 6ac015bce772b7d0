"""The table of a comparison on one screen."""

from __future__ import annotations

from collections.abc import Sequence

from .columns import used
from .rows import Summary

KEYS = ("test_accuracy", "train_accuracy", "cosine_end", "energy_per_inference_J", "spikes_per_inference", "cpu_s")
"""The columns that are shown, of those in which any row has a number."""


def screen(rows: Sequence[Summary]) -> list[str]:
    """Return the lines of a table, one for each substrate, and one before them with the titles of the columns."""
    columns = [column for column in used(rows) if column.key in KEYS]
    table = [["cell", *(column.title for column in columns)]]
    table += [[row.cell, *(column.text(row) for column in columns)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(text.ljust(width) if not at else text.rjust(width) for at, (text, width) in enumerate(places))
        for places in (list(zip(line, widths, strict=True)) for line in table)
    ]
