"""A crossbar with its wires as a SPICE netlist, and the currents that a simulator senses in it.

Cell (i, j) joins nodes ``row_i_j`` and ``col_i_j``. Column j of the tile that begins at row i ends in the source
``V_sense_i_j`` of 0 V, which senses its current. A segment without resistance is a source of 0 V, too: SPICE would
make a resistor of 0 ohm one of 1 mohm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise

import numpy as np

from ..crossbar import checked_cells, checked_voltages
from ..wires import Wires
from .netlist import OPERATING_POINT, document

Array = np.ndarray


def crossbar_netlist(
    g: Array, voltages: Array, wires: Wires, *, title: str = "crossbar", header: Sequence[str] = ()
) -> str:
    """Return the netlist of a crossbar whose rows are driven and whose columns are sensed.

    Parameters
    ----------
    g
        Conductances of the cells, (n_rows, n_cols). [S]
    voltages
        Voltages that drive the rows, (n_rows,). [V]
    wires
        The resistances of the wires, and the tiles of the array.
    title
        First line of the netlist.
    header
        Comments that follow the title.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If a conductance is negative, a value not finite, or the shapes do not fit.
    """
    g = checked_cells(g)
    volts = checked_voltages(np.asarray(voltages)[None], len(g))[0].tolist()
    drivers = (f"V_in_{i} in_{i} 0 {volt!r}" for i, volt in enumerate(volts))
    tiles = (_tile(g, wires, rows, columns) for rows, columns in wires.tiles(g.shape))
    return document(title, header, chain(drivers, *tiles), OPERATING_POINT, ".op")


def sensed_currents(shape: tuple[int, int], wires: Wires, vectors: Mapping[str, Array]) -> Array:
    """Return the currents that are sensed at the columns of a crossbar, from the results of a simulator.

    Parameters
    ----------
    shape
        Numbers of rows and columns, (n_rows, n_cols).
    wires
        The wires that the netlist was written with.
    vectors
        The vectors that `ngspice.simulate` returned.

    Returns
    -------
    array
        (1, n_cols), summed over tiles. [A]
    """
    currents = np.zeros((1, shape[1]))
    for rows, columns in wires.tiles(shape):
        for j in range(columns.start, columns.stop):
            currents[:, j] += vectors[f"i(v_sense_{rows.start}_{j})"]
    return currents


def _tile(g: Array, wires: Wires, rows: slice, columns: slice) -> Iterator[str]:
    """Yield the wires and cells of one tile, and the sources that sense its columns."""
    across, down = range(columns.start, columns.stop), range(rows.start, rows.stop)
    for i in down:
        path = [f"in_{i}", *(f"row_{i}_{j}" for j in across)]
        yield from _wire(path, [wires.r_source + wires.r_row] + [wires.r_row] * (len(across) - 1))
    for j in across:
        path = [*(f"col_{i}_{j}" for i in down), f"sense_{rows.start}_{j}"]
        yield from _wire(path, [wires.r_col] * (len(down) - 1) + [wires.r_col + wires.r_sense])
        yield f"V_sense_{rows.start}_{j} sense_{rows.start}_{j} 0 0"
    for i in down:
        for j in across:
            if g[i, j]:
                yield f"R_cell_{i}_{j} row_{i}_{j} col_{i}_{j} {float(1 / g[i, j])!r}"


def _wire(path: list[str], ohms: list[float]) -> Iterator[str]:
    for (start, end), ohm in zip(pairwise(path), ohms, strict=True):
        yield f"R_{start}_{end} {start} {end} {float(ohm)!r}" if ohm else f"V_{start}_{end} {start} {end} 0"
