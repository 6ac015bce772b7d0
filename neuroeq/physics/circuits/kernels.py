"""The sweeps of coordinate descent, compiled where numba is installed: the same sums in one pass without temporaries.

v_lj <- clip(c_lj + sum_m sum_i v_mi M_ml,ij / D_lj, low_j, high_j)       for layers l in order, for samples
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

from .circuit import Array


@cache
def available() -> bool:
    """Return whether numba is installed."""
    return find_spec("numba") is not None


@cache
def compiled_sweeps() -> Callable[..., int]:
    """Return `sweeps`, compiled on its first call for each precision."""
    import numba

    compile_: Any = numba.njit(cache=True, nogil=True)
    return compile_(sweeps)


def sweeps(
    v: Array,
    constant: Array,
    low: Array,
    high: Array,
    diagonal: Array,
    order: Array,
    edges: Array,
    matrices: Array,
    threshold: float,
    limit: int,
) -> int:
    """Sweep over the layers and return how often.

    Parameters
    ----------
    v
        Voltages of all free nodes side by side, changed in place: (batch, n). [V]
    constant
        b / D: (batch, n). [V]
    low, high
        Voltages at which ideal diodes clamp the nodes, infinite elsewhere: (n,). [V]
    diagonal
        Sum D of the conductances at each node: (n,). [S]
    order
        First and last node of each layer, in the order of a sweep: (number of layers, 2).
    edges
        By coupling: number of the target layer in `order`, first and last node of the source layer, place of its
        matrix in `matrices`: (number of couplings, 4).
    matrices
        M / D, one after the other, row by row.
    threshold
        Net current below which a sweep is the last; negative for exactly `limit` sweeps. [A]
    limit
        Largest number of sweeps.
    """
    aim = constant[0].copy()
    for done in range(1, limit + 1):
        met = threshold * 0
        for layer in range(len(order)):
            first, last = order[layer]
            for sample in range(len(v)):
                for j in range(first, last):
                    aim[j] = constant[sample, j]
                for edge in range(len(edges)):
                    target, start, end, place = edges[edge]
                    if target == layer:
                        for i in range(start, end):
                            drive = v[sample, i]
                            row = matrices[place : place + last - first]
                            place += last - first
                            for j in range(last - first):
                                aim[first + j] += drive * row[j]
                for j in range(first, last):
                    new = min(max(aim[j], low[j]), high[j])
                    met = max(met, abs(new - v[sample, j]) * diagonal[j])
                    v[sample, j] = new
        if met <= threshold:
            return done
    return limit
