"""Read a table of examples, a row for each: numbers as inputs, and one or more columns of labels.

A first row with a word where inputs have numbers holds the names of the columns. Columns are separated by commas,
semicolons or tabs, whichever the first row has most of; empty rows and those that begin with # are passed over.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neuroeq.errors import DataError, unknown_name

from .source import Source

Array = np.ndarray
SEPARATORS = ",;\t"


def read_csv(path: Path, label: Sequence[str] = ()) -> Source:
    """Return the examples of a table.

    Parameters
    ----------
    path
        The file, in UTF-8.
    label
        The names of the columns with the labels; the last column if there are none.

    Raises
    ------
    DataError
        If it cannot be read, is no such table, or has no such column.
    """
    numbers, rows = _rows(path)
    first, chosen = rows[0], [len(rows[0]) - 1]
    if label:
        if all(map(_is_number, first)):
            raise DataError(
                f"{path}: has no row with names of columns, so there is none named '{label[0]}'; add one, or leave "
                "data.label out: the last column is the label."
            )
        for name in label:
            if name not in first:
                raise unknown_name("column", name, first, f"{path} has: {', '.join(first)}.")
        chosen = [first.index(name) for name in label]
    named = bool(label) or any(not _is_number(cell) for index, cell in enumerate(first) if index not in chosen)
    body = list(zip(numbers, rows, strict=True))[named:]
    columns = [index for index in range(len(first)) if index not in chosen]
    if not body or not columns:
        raise DataError(f"{path}: has no {'rows with examples' if columns else 'column of inputs beside the label'}.")
    for number, row in body:
        if len(row) != len(first):
            raise DataError(f"{path}: line {number} has {len(row)} columns; expected {len(first)}, as the first has.")
        wrong = next((index for index in columns if not _is_number(row[index])), None)
        if wrong is not None:
            raise DataError(
                f"{path}: line {number}, column {wrong + 1}: '{row[wrong]}' is no number; expected numbers in all "
                "columns but those of labels."
            )
    inputs = _numbers([[row[index] for index in columns] for _, row in body])
    labels = _labels([[row[index] for index in chosen] for _, row in body])
    return Source(inputs, labels)


def _rows(path: Path) -> tuple[list[int], list[list[str]]]:
    """Return the rows that are neither empty nor remarks, and their line numbers.

    Raises
    ------
    DataError
        If there are none, or the file cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [(n, line) for n, line in enumerate(file, 1) if line.strip() and not line.lstrip().startswith("#")]
            separator = max(SEPARATORS, key=lines[0][1].count) if lines else ","
            rows = list(csv.reader([line for _, line in lines], delimiter=separator, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error}); expected a table in UTF-8.") from None
    if not rows:
        raise DataError(f"{path}: has no rows with examples.")
    if len(rows) != len(lines):
        raise DataError(f"{path}: has a quoted text of several lines; expected a row in each line.")
    return [n for n, _ in lines], [[cell.strip() for cell in row] for row in rows]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(cells: list[list[str]]) -> Array:
    """Return numbers as integers if all are whole, and else as floats."""
    values = np.array(cells, float)
    whole = np.isfinite(values).all() and (values == np.round(values)).all() and np.abs(values).max() < 2**53
    return values.astype(int) if whole else values


def _labels(cells: list[list[str]]) -> Array:
    """Return the labels: numbers if all are some, and else texts; one column as (n,), several as (n, n_columns)."""
    labels = _numbers(cells) if all(_is_number(cell) for row in cells for cell in row) else np.array(cells)
    return labels[:, 0] if labels.shape[1] == 1 else labels
