"""Rows as the text of a CSV file, whose columns are the keys of all rows."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

Row = Mapping[str, Any]


class GrowingTable:
    """The text of rows to which more are added time and again; each row becomes text once."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._columns: dict[str, None] = {}
        self._text = ""

    def text(self, rows: Sequence[Row]) -> str:
        """Return the text of all rows."""
        if list(rows[: len(self._rows)]) != self._rows:
            self._rows, self._columns, self._text = [], {}, ""
        added = rows[len(self._rows) :]
        columns = self._columns | dict.fromkeys(key for row in added for key in row)
        if columns != self._columns:
            self._columns, added = columns, rows
            self._text = _lines([dict(zip(columns, columns, strict=True))], columns)
        self._text += _lines(added, columns)
        self._rows = list(rows)
        return self._text


def csv_text(rows: Sequence[Row]) -> str:
    """Return rows as the text of a CSV file."""
    return GrowingTable().text(rows)


def _lines(rows: Sequence[Row], columns: Mapping[str, None]) -> str:
    file = StringIO()
    csv.DictWriter(file, list(columns)).writerows(rows)
    return file.getvalue()
