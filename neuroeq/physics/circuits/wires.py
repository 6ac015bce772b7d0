"""The wires of a crossbar, and the nodes that their resistance makes of them.

Cell (i, j) joins row wire i to column wire j. Each cell has a segment of both: a row wire is driven before cell 0
through r_source, a column wire ends after the last cell, through r_sense.

    V_i --- r_source + r_row --- (i, 0) --- r_row --- (i, 1) --- ...                     row wire i
                                   | g_i0               | g_i1
                ... --- r_col --- (i, 0) --- r_col --- (i+1, 0) --- ... --- r_col + r_sense --- 0 V    column wire 0

Chen 2013, IEEE Trans. Electron Devices 60(4), doi:10.1109/TED.2013.2246791.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from neuroeq.errors import SpecError

if TYPE_CHECKING:
    from scipy import sparse

Array = np.ndarray


@dataclass(frozen=True)
class Wires:
    """The wires of a crossbar, and the tiles it is split into, each with wires, drivers and sensing of its own.

    Parameters
    ----------
    r_row, r_col
        Resistance of the row wire and of the column wire per cell. [ohm]
    r_source, r_sense
        Resistance at the driven end and at the sensed end of each wire. [ohm]
    max_rows, max_cols
        Largest size of a tile; the whole array is one tile if left out.

    Raises
    ------
    SpecError
        If a resistance is negative or not finite, or a tile is empty.
    """

    r_row: float = 0.0
    r_col: float = 0.0
    r_source: float = 0.0
    r_sense: float = 0.0
    max_rows: int | None = None
    max_cols: int | None = None

    def __post_init__(self) -> None:
        for name in ("r_row", "r_col", "r_source", "r_sense"):
            ohm = getattr(self, name)
            if not 0 <= ohm < np.inf:
                raise SpecError(f"wires: {name} is {ohm} ohm; expected 0 or more; 0 leaves the resistance out.")
        for name in ("max_rows", "max_cols"):
            cells = getattr(self, name)
            if cells is not None and cells < 1:
                raise SpecError(f"wires: {name} is {cells}; expected 1 or more cells; leave it out for one tile.")

    @property
    def reversed(self) -> Wires:
        """The same wires, driven where they were sensed."""
        return replace(self, r_source=self.r_sense, r_sense=self.r_source)

    @property
    def turned(self) -> Wires:
        """The wires with rows for columns: those of an array that is reflected so that both ends change places."""
        return replace(self.reversed, r_row=self.r_col, r_col=self.r_row)

    def tiles(self, shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
        """Yield the rows and columns of each tile of a crossbar."""
        rows, columns = self.max_rows or max(shape[0], 1), self.max_cols or max(shape[1], 1)
        for i in range(0, shape[0], rows):
            for j in range(0, shape[1], columns):
                yield slice(i, min(i + rows, shape[0])), slice(j, min(j + columns, shape[1]))


@lru_cache(maxsize=64)
def shared_resistances(n_rows: int, n_cols: int, wires: Wires) -> tuple[Array, Array]:
    """Return A, (n_cols, n_cols), and B, (n_rows, n_rows): the resistance that two cells of a wire share. [ohm]."""
    column, row = np.arange(n_cols), np.arange(n_rows)[::-1]
    along_row = wires.r_row * (np.minimum.outer(column, column) + 1) + wires.r_source
    along_column = wires.r_col * (np.minimum.outer(row, row) + 1) + wires.r_sense
    return along_row, along_column


@dataclass(frozen=True)
class WireNodes:
    """The nodes of one tile: first the ends of its rows, then those of its columns, then what lies on the wires.

    Parameters
    ----------
    laplacian
        (nodes, nodes): entry ab is minus the conductance between a and b, entry aa the sum at a. [S]
    without_resistance
        (nodes, ends): currents into the nodes by voltages at the ends, if each wire had that of its end. [S]
    """

    laplacian: sparse.csc_array
    without_resistance: sparse.csc_array


def wire_nodes(g: Array, wires: Wires) -> WireNodes:
    """Return the nodes that the wires of one tile have.

    Parameters
    ----------
    g
        Conductances of the cells, (n_rows, n_cols). [S]
    wires
        The resistances of the wires; the tiles are not used.

    Returns
    -------
    WireNodes
    """
    from scipy import sparse

    (n_rows, n_cols), ends = g.shape, sum(g.shape)
    row, row_segments = _lay(np.arange(n_rows), n_cols, ends, wires.r_source, wires.r_row)
    free = max(ends, int(row.max()) + 1)
    column, column_segments = _lay(n_rows + np.arange(n_cols), n_rows, free, wires.r_sense, wires.r_col)
    column = column.T[::-1]
    size = max(free, int(column.max()) + 1)
    across = _laplacian((row.ravel(), column.ravel(), g.ravel()), size)
    end = np.arange(size)
    end[row], end[column] = np.arange(n_rows)[:, None], n_rows + np.arange(n_cols)
    ends_of_nodes = sparse.csc_array((np.ones(size), (np.arange(size), end)), shape=(size, ends))
    along = _laplacian(row_segments, size) + _laplacian(column_segments, size)
    return WireNodes((along + across).tocsc(), (across @ ends_of_nodes).tocsc())


Segments = tuple[Array, Array, Array]
"""Nodes a and b, and the conductance between them. [S]"""


def _lay(ends: Array, cells: int, free: int, r_end: float, r_cell: float) -> tuple[Array, Segments]:
    """Return the nodes of parallel wires, (wires, cells) from their ends on, and their segments.

    The cells of a wire without resistance share a node; where its end has none either that is the end.
    """
    distinct = cells if r_cell else int(r_end > 0)
    chain = np.column_stack([ends, free + np.arange(len(ends) * distinct).reshape(len(ends), distinct)])
    ohm = np.full((len(ends), distinct), float(r_cell))
    ohm[:, :1] += r_end
    nodes = chain[:, 1:] if r_cell else np.broadcast_to(chain[:, -1:], (len(ends), cells))
    return nodes, (chain[:, :-1].ravel(), chain[:, 1:].ravel(), 1 / ohm.ravel())


def _laplacian(segments: Segments, size: int) -> sparse.csc_array:
    from scipy import sparse

    a, b, s = segments
    places = np.concatenate([a, b, a, b]), np.concatenate([a, b, b, a])
    return sparse.coo_array((np.concatenate([s, s, -s, -s]), places), shape=(size, size)).tocsc()
