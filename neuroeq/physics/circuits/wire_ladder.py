"""The effective conductance of a crossbar, row after row, from the far ends of the columns to the ends that are sensed.

Seen from its cell j, the row wire has the conductance L_j towards its driver, and R_j away from it. A current of 1 A
into that place makes the voltage D_j there, and a_j is what is left of a voltage one cell further from its cause:

    1/L_0 = r_source + r_row,   1/L_j = r_row + 1/(L_j-1 + g_j-1)       1/R_j = r_row + 1/(g_j+1 + R_j+1),   R_n-1 = 0
    D_j = 1/(L_j + g_j + R_j),   a_j = 1/(1 + r_row (g_j+1 + R_j+1)),   Z_jl = D_j a_j a_j+1 ... a_l-1

The currents c through the cells of a row that is driven by V, whose columns are at the voltages u, are then

    c = V s - K u,   K_jl = -g_j Z_jl g_l,   K_jj = g_j (L_j + R_j) D_j,   s_l = g_l a_-1 a_0 ... a_l-1,
    a_-1 = 1/(1 + (r_source + r_row)(g_0 + R_0))

What is beyond a place on the columns is a Norton equivalent there, an admittance M with a current J for each volt on
each driven row. A row in parallel, and then a piece of column wire of resistance r in series, make of it

    M <- M + K,   J_i <- s       M <- P M,   J <- P J,   P = (1 + r M)^-1

The ends are sensed at 0 V, so that g_eff = J^T in the end. Numbers are added that have one sign, so that no digits are
lost, and no resistance is divided by: 0 is as good as any.
"""

from __future__ import annotations

import numpy as np

from .wires import Wires

Array = np.ndarray
NUMBERS = 4_000_000
"""How many numbers the matrices K or P of the rows that are taken together hold at most."""
MOST_ROWS = 64
"""How many rows are taken together at most."""


def effective_tile(g: Array, wires: Wires) -> Array:
    """Return the effective conductance of one tile, (n_rows, n_cols) [S].

    Parameters
    ----------
    g
        Conductances of the cells, (n_rows, n_cols), 0 or more. [S]
    wires
        The resistances of the wires; the tiles are not used.
    """
    n_rows, n_cols = g.shape
    if n_cols > n_rows:
        return effective_tile(g[::-1, ::-1].T, wires.turned)[::-1, ::-1].T
    currents: Array = np.zeros((n_cols, n_rows))
    admittance: Array = np.zeros((n_cols, n_cols))
    together = max(1, min(MOST_ROWS, NUMBERS // n_cols**2))
    for first in range(0, n_rows, together):
        some = slice(first, min(first + together, n_rows))
        rows, fed = _rows(g[some], wires)
        passed = []
        for i, row in enumerate(rows, first):
            admittance += row
            resistance = wires.r_col + (wires.r_sense if i == n_rows - 1 else 0.0)
            passed.append(np.linalg.inv(np.eye(n_cols) + resistance * admittance))
            admittance = passed[-1] @ admittance
        onward: Array = np.eye(n_cols)
        for i in reversed(range(len(passed))):
            onward = onward @ passed[i]
            currents[:, first + i] = onward @ fed[i]
        currents[:, :first] = onward @ currents[:, :first]
    return currents.T


def _rows(g: Array, wires: Wires) -> tuple[Array, Array]:
    """Return K, (rows, n_cols, n_cols), and s, (rows, n_cols), of some rows [S]."""
    n_rows, n_cols = g.shape
    left, right, kept = np.empty_like(g), np.zeros_like(g), np.empty_like(g)
    with np.errstate(divide="ignore"):
        left[:, 0] = np.divide(1.0, wires.r_source + wires.r_row)
        for j in range(1, n_cols):
            left[:, j] = 1 / (wires.r_row + 1 / (left[:, j - 1] + g[:, j - 1]))
    for j in reversed(range(n_cols)):
        beyond = g[:, j] + right[:, j]
        kept[:, j] = 1 / (1 + (wires.r_row + (0.0 if j else wires.r_source)) * beyond)
        if j:
            right[:, j - 1] = beyond / (1 + wires.r_row * beyond)
    share = 1 / (1 + g / (left + right))
    rows = np.zeros((n_rows, n_cols, n_cols))
    across = -share * g / (left + right)
    for j in range(n_cols):
        rows[:, j, :j] = across[:, :j] * g[:, j, None]
        across[:, : j + 1] *= kept[:, j + 1, None] if j + 1 < n_cols else 1.0
    rows += rows.transpose(0, 2, 1)
    rows[:, range(n_cols), range(n_cols)] = g * share
    return rows, g * np.cumprod(kept, axis=1)
