"""The effective conductance of a crossbar by a series in the resistance of its wires, where that is small.

The current c_il through cell (i, l) flows through its row wire to the cells behind it, and through its column wire:

    c = G o (V - c A - B c),    A_lj = r_row (min(l, j) + 1) + r_source,    B_ki = r_col (min(k', i') + 1) + r_sense

with o for products of elements, and k' and i' counted from the sensed end. Put into itself twice, with a = G A and
b = B G,

    g_eff = G o [1 - a - b + (G o a) A + a o b + B (G o b)] + ((G v) A) o (B (u G)) + O(r^3)

The last term is the current that runs from row k down a column l, along a row i and into column j. In full it is
sum_il G_kl A_lj B_ki G_ij G_il, a product of four indices; u_i v_l takes the place of G_il, with u the means of rows
over the root of the mean of all, and v those of columns.

Terms alternate in sign, so the error is about the first one that is left out, at most max(a + b) times the last one.
What is left of G_il without u and v has no order, so its currents cancel; a third of the last term is counted for it,
which is more than it was in arrays of random and of trained weights.
"""

from __future__ import annotations

import numpy as np

from .wires import Wires, shared_resistances

Array = np.ndarray


def series(g: Array, wires: Wires) -> tuple[Array, Array]:
    """Return the effective conductance of crossbars to second order, and an estimate of what is left out.

    Parameters
    ----------
    g
        Conductances of the cells of crossbars of one shape, (..., n_rows, n_cols), 0 or more. [S]
    wires
        The resistances of the wires, and the tiles of an array.

    Returns
    -------
    effective, left_out
        The effective conductance and the estimated size of all further terms, (..., n_rows, n_cols). Where weights are
        differences of two crossbars, so are their errors. [S]
    """
    effective, left_out = np.empty_like(g), np.empty_like(g)
    for rows, columns in wires.tiles(g.shape[-2:]):
        tile = (..., rows, columns)
        effective[tile], left_out[tile] = _of_tile(g[tile], wires)
    return effective, left_out


def _of_tile(g: Array, wires: Wires) -> tuple[Array, Array]:
    along_row, along_column = shared_resistances(g.shape[-2], g.shape[-1], wires)
    a, b = g @ along_row, along_column @ g
    lost, both = a + b, a * b
    mean = g.mean(axis=(-2, -1), keepdims=True)
    scale = np.sqrt(np.where(mean > 0, mean, 1.0))
    of_rows, of_columns = (g.mean(axis=axis, keepdims=True) / scale for axis in (-1, -2))
    around = ((g * of_columns) @ along_row) * (along_column @ (of_rows * g))
    second = g * ((g * a) @ along_row + both + along_column @ (g * b)) + around
    return g - g * lost + second, second * lost.max(axis=(-2, -1), keepdims=True) + around / 3
