"""The files of a comparison: `table.csv`, a row for each substrate, and `table.json`, which also has the cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..records.files import atomic
from ..records.table import csv_text
from .columns import layers_text
from .rows import AVERAGED, Summary


def write_tables(out: Path, whole: dict[str, Any], means: Sequence[Summary]) -> None:
    """Write `table.csv` and `table.json`.

    Parameters
    ----------
    out
        The folder of the comparison.
    whole
        The comparison as plain values.
    means
        The result of each substrate, averaged over its seeds.
    """
    text = json.dumps(whole, indent=2) + "\n"
    atomic(out / "table.json", text)
    atomic(out / "table.csv", csv_text([_flat(mean) for mean in means]))


def _flat(mean: Summary) -> dict[str, Any]:
    row: dict[str, Any] = {"cell": mean.cell, "substrate": mean.substrate, "hardware": mean.hardware}
    row |= {"seeds": len(mean.seeds), "layers": layers_text(mean.layers), "updates": mean.updates}
    row["scheme"] = mean.scheme
    for key in AVERAGED:
        row |= {key: mean.mean[key], f"{key}_ci95": mean.interval[key]}
    for when, cosines in (("start", mean.cosines_start), ("end", mean.cosines_end)):
        row |= {f"cosine_{when}_{name}": value for name, value in cosines.items()}
    return {**row, "failure": mean.failure}
