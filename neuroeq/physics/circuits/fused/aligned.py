"""Arrays that begin where a cache line does: vectors of 64 bytes then lie in one line each, not across two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

CACHE_LINE = 64


def aligned(values: np.ndarray, order: Literal["C", "F"] = "C") -> np.ndarray:
    """Return a copy that begins at a cache line, in rows ("C") or columns ("F")."""
    raw = np.empty(values.nbytes + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    copy = raw[start : start + values.nbytes].view(values.dtype).reshape(values.shape, order=order)
    copy[...] = values
    return copy


def side_by_side(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return copies of vectors of one type as one vector, and views of them."""
    flat = aligned(np.concatenate(arrays))
    return flat, np.split(flat, np.cumsum([len(each) for each in arrays])[:-1])


def stacked(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return copies of arrays (n_from, n_to) of one type, and views of them in their shapes.

    What belongs to one of n_to is a row, as wide as the largest n_from, and the rows of all arrays lie one below the
    other: (sum of n_to, largest n_from).
    """
    rows = aligned(np.zeros((sum(each.shape[1] for each in arrays), max(map(len, arrays))), arrays[0].dtype))
    ends = np.cumsum([each.shape[1] for each in arrays])
    parts = [part[:, : len(each)].T for part, each in zip(np.split(rows, ends[:-1]), arrays, strict=True)]
    for part, each in zip(parts, arrays, strict=True):
        part[...] = each
    return rows, parts
