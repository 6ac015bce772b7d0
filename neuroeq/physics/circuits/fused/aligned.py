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
    """Return copies of arrays of one type, column by column, as one vector and as views of it in their shapes."""
    flat = aligned(np.concatenate([each.ravel(order="F") for each in arrays]))
    ends = np.cumsum([each.size for each in arrays])
    parts = np.split(flat, ends[:-1])
    return flat, [part.reshape(each.shape, order="F") for part, each in zip(parts, arrays, strict=True)]
