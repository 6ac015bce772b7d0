"""A crossbar whose wires have resistance: what is sensed at its columns when its rows are driven, solved exactly.

A node's voltage is that of the end of its wire plus u, what the wire's resistance adds: v = P V + u. With the Laplacian
L of all conductances and C of the cells alone, both over ends e and nodes w on the wires, currents into the ends are

    L_ww u = -(C P)_w V,    I = (C P)_e V + L_ew u = Y V,    g_eff = -Y[rows, columns],    I_columns = V_rows g_eff

Solved for u instead of v, no digits are lost where resistances are small; without any, g_eff = g.

Y is symmetric (reciprocity). A crossbar read backwards, columns driven and rows sensed, is therefore the transpose of
itself with r_source and r_sense exchanged, and of itself where they are equal.

That is how `terminal_conductance` finds Y, with one sparse factor for all right-hand sides. `wire_ladder` finds g_eff
without the rest of Y, which is some ten times as fast.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from neuroeq.errors import DataError

from .wire_ladder import effective_tile
from .wires import Wires, wire_nodes

Array = np.ndarray

AT_ONCE = 32
"""Right-hand sides per solve: enough for speed, and no dense array of all nodes by all wires is needed."""
KEPT = 4
"""How many solved arrays are kept for further drives."""


def crossbar_currents(g: Array, voltages: Array, wires: Wires, *, backward: bool = False) -> Array:
    """Return what is sensed at the columns when voltages drive the rows, or at the rows when they drive the columns.

    The arrays that were driven last are not solved again.

    Parameters
    ----------
    g
        Conductances of the cells, (n_rows, n_cols). [S]
    voltages
        (batch, n_rows), or (batch, n_cols) backwards. [V]
    wires
        The resistances of the wires, and the tiles of the array.
    backward
        Drive the columns and sense the rows.

    Returns
    -------
    array
        (batch, n_cols), or (batch, n_rows) backwards; summed over tiles. [A]

    Raises
    ------
    DataError
        If a conductance is negative or not finite, or the shapes do not fit.
    """
    g = checked_cells(g)
    effective = _solved(g.tobytes(), g.shape, wires, backward)
    return checked_voltages(voltages, len(effective)) @ effective


@lru_cache(maxsize=KEPT)
def _solved(cells: bytes, shape: tuple[int, int], wires: Wires, backward: bool) -> Array:
    """Return the effective conductance of an array that may be driven again [S]."""
    return effective_conductance(np.frombuffer(cells).reshape(shape), wires, backward=backward)


def effective_conductance(g: Array, wires: Wires, *, backward: bool = False) -> Array:
    """Return the matrix by which voltages at the driven ends become currents at the sensed ends.

    Parameters
    ----------
    g
        Conductances of the cells, (n_rows, n_cols). [S]
    wires
        The resistances of the wires, and the tiles of the array.
    backward
        Drive the columns and sense the rows.

    Returns
    -------
    array
        (n_rows, n_cols), or (n_cols, n_rows) backwards. [S]

    Raises
    ------
    DataError
        If a conductance is negative or not finite.
    """
    g = checked_cells(g)
    if backward:
        return effective_conductance(g, wires.reversed).T
    effective = np.empty_like(g)
    for rows, columns in wires.tiles(g.shape):
        effective[rows, columns] = effective_tile(g[rows, columns], wires)
    return effective


def terminal_conductance(g: Array, wires: Wires) -> Array:
    """Return Y, by which voltages at all ends, rows and then columns, become currents into them.

    Parameters
    ----------
    g
        Conductances of the cells, (n_rows, n_cols). [S]
    wires
        The resistances of the wires, and the tiles of the array.

    Returns
    -------
    array
        (n_rows + n_cols, n_rows + n_cols), symmetric, rows sum to 0. [S]

    Raises
    ------
    DataError
        If a conductance is negative or not finite.
    """
    g = checked_cells(g)
    n_rows = len(g)
    total = np.zeros((sum(g.shape), sum(g.shape)))
    for rows, columns in wires.tiles(g.shape):
        ends = np.r_[rows, n_rows + columns.start : n_rows + columns.stop]
        total[np.ix_(ends, ends)] += _terminals(g[rows, columns], wires)
    return total


def _terminals(g: Array, wires: Wires) -> Array:
    """Return Y of one tile."""
    from scipy.sparse.linalg import splu

    nodes, ends = wire_nodes(g, wires), sum(g.shape)
    onto, currents = nodes.without_resistance[ends:], nodes.without_resistance[:ends].toarray()
    if not onto.shape[0]:
        return currents
    factor = splu(
        nodes.laplacian[ends:, ends:],
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    )
    back = nodes.laplacian[:ends, ends:]
    for first in range(0, ends, AT_ONCE):
        some = slice(first, first + AT_ONCE)
        currents[:, some] -= back @ factor.solve(onto[:, some].toarray())
    return currents


def checked_cells(g: Array) -> Array:
    """Return conductances as they are, if they are a matrix of finite numbers, none negative."""
    g = np.asarray(g, float)
    wrong = ~((g >= 0) & (g < np.inf))
    if g.ndim != 2:
        raise DataError(f"crossbar: conductances have shape {g.shape}; expected (n_rows, n_cols), one per cell.")
    if wrong.any():
        cell = tuple(int(index[0]) for index in np.nonzero(wrong))
        raise DataError(f"crossbar: conductance {cell} is {g[cell]} S; expected 0 or more; 0 leaves the cell out.")
    return g


def checked_voltages(voltages: Array, size: int) -> Array:
    """Return voltages as they are, if they are finite and (batch, size)."""
    voltages = np.asarray(voltages, float)
    if voltages.ndim != 2 or voltages.shape[1] != size:
        raise DataError(
            f"crossbar: voltages have shape {voltages.shape}; expected (batch, {size}), one per driven wire."
        )
    if not np.isfinite(voltages).all():
        raise DataError("crossbar: a voltage is not finite; mend the inputs.")
    return voltages
