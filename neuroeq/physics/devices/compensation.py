"""Drift compensation: what an array gives is scaled by a factor that is found by reading it under equal voltages.

    global     a(t)   = sum_ij g_ij(t0) / sum_ij g_ij(t)
    column     a_j(t) = sum_i  g_ij(t0) / sum_i  g_ij(t)

g_ij(t) are the conductances as they are read at a time t after programming, each time with noise of its own, and t0 is
right after programming. Both devices of a pair count, and so does the row of biases. Each column is read once at t0 and
once at t, by converters that are taken to be exact.

Joshi et al. 2020, Nat. Commun. 11:2473 (global drift compensation).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

Array = np.ndarray
Kind: TypeAlias = Literal["global", "column"]


def compensation(kind: Kind, before: Sequence[Array], now: Sequence[Array]) -> Array:
    """Return the factor of an array, or of each of its columns: a number, or (n_post,).

    Parameters
    ----------
    kind
        Whether all columns have one factor, or each its own.
    before, now
        The conductances right after programming and now, of the weights and perhaps of the biases in the same array:
        (devices of a weight, n_pre, n_post), (devices, n_post). [S]
    """
    first, last = (np.sum([_by_column(g) for g in each], axis=0) for each in (before, now))
    if kind == "global":
        first, last = first.sum(), last.sum()
    return np.divide(first, last, out=np.ones_like(last), where=last > 0)


def _by_column(g: Array) -> Array:
    return g.sum(axis=tuple(range(g.ndim - 1)))
