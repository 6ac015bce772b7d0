"""`compare`: train one network on many substrates, side by side, and put the results into one table."""

from .answer import answer, learns
from .cells import Cell, cells_of
from .columns import Column, Words, used
from .costs import costs, unlike
from .rows import Row, Summary
from .running import CELL, Plan, read_json
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
