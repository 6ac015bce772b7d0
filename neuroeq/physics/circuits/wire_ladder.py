"""The effective conductance of a crossbar, row after row, from the far ends of the columns to the ends that are sensed.

The currents c through the cells of a row that is driven by V, whose columns are at the voltages u, are

    c = K (V - u),    K = (1 + g A)^-1 g,    A_lj = r_row (min(l, j) + 1) + r_source

What is beyond a place on the columns is a Norton equivalent there, an admittance M with a current J for each volt on
each driven row. A row in parallel, and then a piece of column wire of resistance r in series, make of it

    M <- M + K,   J_i <- K 1       M <- (1 + r M)^-1 M,   J <- (1 + r M)^-1 J

The ends are sensed at 0 V, so that g_eff = J^T in the end. No resistance is divided by: 0 is as good as any.
"""

from __future__ import annotations

import numpy as np

from .wires import Wires, shared_resistances

Array = np.ndarray


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
    along_row, _ = shared_resistances(n_rows, n_cols, wires)
    one, currents = np.eye(n_cols), np.zeros((n_cols, n_rows))
    admittance: Array = np.zeros((n_cols, n_cols))
    for i, cells in enumerate(g):
        row = np.linalg.solve(one + cells[:, None] * along_row, np.diag(cells))
        admittance, currents[:, i] = admittance + row, row.sum(axis=1)
        resistance = wires.r_col + (wires.r_sense if i == n_rows - 1 else 0.0)
        beyond = np.hstack([admittance, currents[:, : i + 1]])
        beyond = np.linalg.solve(one + resistance * admittance, beyond)
        admittance, currents[:, : i + 1] = beyond[:, :n_cols], beyond[:, n_cols:]
    return currents.T
