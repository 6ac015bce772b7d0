"""`compare`: train one network on many substrates, side by side, and put the results into one table."""

from ..sweeps.cells import Cell, cells_of
from ..sweeps.outcome import CELL, read_json
from .answer import answer, learns
from .columns import Column, Words, used
from .costs import costs, unlike
from .rows import Row, Summary
from .running import Plan
from .side_by_side import Comparison, compare

__all__ = [
    "CELL",
    "Cell",
    "Column",
    "Comparison",
    "Plan",
    "Row",
    "Summary",
    "Words",
    "answer",
    "cells_of",
    "compare",
    "costs",
    "learns",
    "read_json",
    "unlike",
    "used",
]
