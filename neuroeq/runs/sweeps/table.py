"""The table of a sweep: a row for each cell and seed, read from the run folders, and written as `sweep.csv`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.errors import SpecError

from ..records.files import atomic
from ..records.table import csv_text
from .columns import NUMBERS, WORDS
from .outcome import read_json
from .plan import PLAN, Plan, Planned, read_plan
from .values import value_of

CSV = "sweep.csv"
"""The file of the table in the folder of a sweep."""
CURVES = "curves.json"
"""The file with the curves of an evaluation in its folder."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """The result of a sweep.

    Parameters
    ----------
    path
        The folder of the sweep.
    network, title
        The name and title of the network.
    dimensions
        The keys of each factor of the grid, by its name.
    sizes
        The number of points of each factor.
    rows
        A row for each cell and seed: the value of every varied key, and the columns of `WORDS` and `NUMBERS`.
    references
        The rows of the unvaried network.
    reference
        What these are called in figures.
    """

    path: Path
    network: str
    title: str
    dimensions: dict[str, list[str]]
    sizes: tuple[int, ...]
    rows: tuple[Row, ...]
    references: tuple[Row, ...] = ()
    reference: str = "unvaried"

    @property
    def keys(self) -> list[str]:
        """The keys that are varied."""
        return [key for keys in self.dimensions.values() for key in keys]

    @property
    def table(self) -> np.ndarray:
        """The rows as a structured array, (n_rows,); NaN and empty texts stand for what there is not."""
        names = [*self.keys, *WORDS, *NUMBERS]
        columns = {name: _column(name, [row[name] for row in self.rows]) for name in names}
        table = np.empty(len(self.rows), [(name, column.dtype) for name, column in columns.items()])
        for name, column in columns.items():
            table[name] = column
        return table

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column of the table.

        Raises
        ------
        KeyError
            If there is no such column.
        """
        if name not in (*self.keys, *WORDS, *NUMBERS):
            raise KeyError(f"no column '{name}'; there are {', '.join([*self.keys, *WORDS, *NUMBERS])}.")
        return _column(name, [row[name] for row in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def count(self, status: str) -> int:
        """Return how many rows have a status: ``"done"``, ``"failed"``, ``"running"`` or ``"waiting"``."""
        return sum(row["status"] == status for row in self.rows)

    def dataset(self, save: bool = True) -> Any:
        """Return the numbers as an xarray Dataset with the dimensions of the grid, the cell and the seed.

        Parameters
        ----------
        save
            Whether to write it as netCDF into the folder of the sweep, as ``sweep.nc``.

        Raises
        ------
        SpecError
            If xarray is not installed, which the extra ``xarray`` brings.
        """
        from .dataset import dataset_of

        return dataset_of(self, save)

    def as_dict(self) -> dict[str, Any]:
        """Return the sweep as plain values."""
        counts = {status: self.count(status) for status in ("done", "failed", "running", "waiting")}
        about = {"path": str(self.path), "network": self.network, "dimensions": self.dimensions, **counts}
        return {**about, "rows": list(self.rows), "references": list(self.references)}


def open_sweep(path: str | Path) -> Sweep:
    """Open the folder of a sweep, finished or not.

    Parameters
    ----------
    path
        The folder of the sweep, or its `plan.json`.

    Raises
    ------
    SpecError
        If it is no folder of a sweep, or its plan is damaged.
    """
    folder = Path(path)
    if (folder / CURVES).exists():
        return _curves(folder)
    if folder.is_dir() and not (folder / PLAN).exists():
        raise SpecError(f"{folder}: is no folder of a sweep; `neuroeq sweep NETWORK --vary KEY=V1,V2` makes one.")
    return collected(read_plan(folder))


def _curves(folder: Path) -> Sweep:
    """Read the curves of an evaluation.

    Raises
    ------
    SpecError
        If the file is damaged.
    """
    table = read_json(folder / CURVES)
    try:
        about = (table["network"], table["title"], table["dimensions"], tuple(table["sizes"]))
        return Sweep(folder, *about, tuple(table["rows"]), tuple(table["references"]), table["reference"])
    except KeyError:
        raise SpecError(f"{folder / CURVES}: is damaged; give `neuroeq eval RUN --vary ...` again.") from None


def collected(plan: Plan) -> Sweep:
    """Read the rows of a plan from its run folders."""
    running = plan.claims.held()
    rows = {
        reference: tuple(row_of(plan, each, running) for each in plan.cells if each.reference == reference)
        for reference in (False, True)
    }
    return Sweep(plan.out, plan.name, plan.title, plan.dimensions, plan.sizes, rows[False], rows[True])


def write_csv(sweep: Sweep) -> Path:
    """Write `sweep.csv`, and return its path."""
    atomic(sweep.path / CSV, csv_text(sweep.rows))
    return sweep.path / CSV


def row_of(plan: Plan, planned: Planned, running: set[str] | None = None) -> Row:
    """Return the row of a cell; `running` holds the cells that are claimed, and is looked up if left out."""
    running = plan.claims.held() if running is None else running
    cell, record, path = planned.cell, plan.outcome(planned), plan.path(planned)
    message = None if record is None else record.get("failure")
    status = "failed" if message else "done" if record else "running" if planned.folder in running else "waiting"
    values = {key: value_of(key, planned.values[key]) if key in planned.values else None for key in plan.keys}
    about = {"cell": cell.name, "substrate": cell.substrate, "hardware": cell.hardware, "seed": cell.seed}
    result = read_json(path / "result.json") if status == "done" else {}
    gradient = (record or {}).get("gradient") or {}
    start, end = (gradient.get(when, {}).get("cosine") for when in ("start", "end"))
    numbers = result | {"gradient_cosine": end, "gradient_cosine_start": start}
    return {
        **values,
        **about,
        "status": status,
        "message": message,
        **{name: numbers.get(name) for name in NUMBERS},
        "folder": str(path.relative_to(plan.out)),
    }


def _column(name: str, values: Sequence[Any]) -> np.ndarray:
    """Return a column as an array: of whole numbers, floats, truth values or text, whatever holds all values."""
    kinds = {type(value) for value in values}
    if name in NUMBERS or (kinds <= {int, float, type(None)} and kinds != {int} and kinds != {type(None)}):
        return np.array([np.nan if value is None else value for value in values], float)
    if kinds <= {int} or kinds <= {bool}:
        return np.array(values)
    return np.array(list(_texts(values)))


def _texts(values: Sequence[Any]) -> Iterator[str]:
    for value in values:
        yield "" if value is None else value if isinstance(value, str) else str(value)
