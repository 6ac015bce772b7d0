"""The arrays of a network with the wires that its hardware describes, solved exactly or, in training, by a series.

The series costs four products of small matrices for each tile, and is hundreds of times as fast. It has no memory:
weights are transmitted in the same way whatever happened before, so a resumed training is the same training.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from neuroeq.describe.spec import Network
from neuroeq.errors import NeuroeqWarning, SpecError

from ..circuits.crossbar import checked_cells, effective_conductance
from ..circuits.wire_series import series
from ..circuits.wires import Wires

Array = np.ndarray
BOUND = 1e-3
"""The largest error of the series, as a fraction of the largest weight; beyond it, an array is solved exactly."""


class WiredArrays:
    """The arrays of a network, whose wires have resistance.

    Parameters
    ----------
    wires
        The resistances of the wires, and the tiles, by array; None where wires are ideal.
    where
        The hardware file, for messages.

    Attributes
    ----------
    approximate
        Whether effective conductances are those of the series; they are exact otherwise.
    """

    def __init__(self, wires: Mapping[str, Wires | None], where: str) -> None:
        self.approximate = False
        self._wires, self._where = wires, where
        self._used: dict[str, tuple[Array, Array, Array]] = {}
        self._told = False

    def effective(self, name: str, *devices: Array) -> Array:
        """Return the conductances between the ends of the wires of an array.

        Parameters
        ----------
        name
            The name of the array.
        devices
            Conductances of the one device of every weight, (n_pre, n_post), or of the two whose difference it is. [S]

        Returns
        -------
        array
            (number of devices, n_pre, n_post). [S]

        Raises
        ------
        DataError
            If a conductance is negative or not finite.
        """
        self._used.pop(name, None)
        wires = self._wires[name]
        if wires is None:
            return np.stack(devices)
        if not self.approximate:
            return _exact(devices, wires)
        for each in devices:
            checked_cells(each)
        g = np.stack(devices)
        effective, left_out = series(g, wires)
        left_out = np.abs(_weight(left_out))
        error = _relative(left_out, effective)
        if not error <= BOUND:
            self._tell(f"array '{name}' is expected to be wrong by {error:.1g} of its largest weight")
            return _exact(devices, wires)
        self._used[name] = g, effective, left_out
        return effective

    def start(self, worst: float | None) -> None:
        """Use the series from now on, unless it was found to be wrong by `worst`, which is beyond the bound."""
        self.approximate = worst is None or worst <= BOUND

    def stop(self) -> None:
        """Solve exactly from now on."""
        self.approximate = False
        self._used.clear()

    def check(self) -> float:
        """Return the error of the series as it was used last, as a fraction of an array's largest weight.

        The tile of every array in which it is expected to be largest is solved exactly. Beyond the bound, with a
        warning, all arrays are from now on.
        """
        worst = 0.0
        for name, (g, effective, left_out) in self._used.items():
            wires = self._wires[name]
            assert wires is not None
            tile = _tile_of(np.unravel_index(left_out.argmax(), left_out.shape), left_out.shape, wires)
            wrong = _weight(effective[tile] - _exact(g[tile], wires))
            error = _relative(np.abs(wrong), effective)
            worst = max(worst, error)
            if error > BOUND:
                self._tell(f"array '{name}' was wrong by {error:.1g} of its largest weight")
                self.approximate = False
        return worst

    def _tell(self, what: str) -> None:
        """Warn, once in a training, that arrays are solved exactly."""
        if not self._told:
            self._told = True
            warnings.warn(
                f"{self._where}: with array.solver = 'series', {what}, more than {BOUND:g}, so it is solved exactly, "
                "which is slow; choose smaller tiles (array.max_rows and array.max_cols), or array.solver = 'exact'.",
                NeuroeqWarning,
                stacklevel=2,
            )


def _exact(devices: tuple[Array, ...] | Array, wires: Wires) -> Array:
    return np.stack([effective_conductance(each, wires) for each in devices])


def _tile_of(cell: tuple[np.intp, ...], shape: tuple[int, ...], wires: Wires) -> tuple[slice, slice, slice]:
    """Return the place of the tile with a cell in conductances of all devices."""
    within = (
        (rows, columns)
        for rows, columns in wires.tiles(shape)
        if rows.start <= cell[0] < rows.stop and columns.start <= cell[1] < columns.stop
    )
    return slice(None), *next(within)


def arrays_of(network: Network) -> WiredArrays | None:
    """Return the arrays of a network with their wires; None if those are ideal.

    Raises
    ------
    SpecError
        If an array that is read in both directions has other resistances at one end than at the other.
    """
    wires = {name: wires_of(network, name) for name in network.projections}
    return WiredArrays(wires, network.technology.where) if any(wires.values()) else None


def wires_of(network: Network, name: str) -> Wires | None:
    """Return the wires of the array of a projection; None if they are ideal.

    Raises
    ------
    SpecError
        If an array that is read in both directions has other resistances at one end than at the other.
    """
    hardware = network.array(name)
    array = hardware.array
    resistances = (array.r_wire_row, array.r_wire_col, array.r_source, array.r_sense)
    if not any(resistances):
        return None
    if array.r_source != array.r_sense and network.symmetric(name):
        raise SpecError(
            f"{hardware.where}: array.r_source is {array.r_source:g} ohm and r_sense {array.r_sense:g} ohm; "
            "an array that is read in both directions needs them equal, or its weights are not symmetric."
        )
    return Wires(*resistances, array.max_rows, array.max_cols)


def _weight(devices: Array) -> Array:
    """Return what stands for weights: the one device of each, or the difference of its two."""
    return devices[0] - devices[1] if len(devices) == 2 else devices[0]


def _relative(error: Array, effective: Array) -> float:
    """Return the largest of errors as a fraction of the largest weight."""
    wrong, largest = float(error.max()), float(np.abs(_weight(effective)).max())
    if wrong == 0:
        return 0.0
    return wrong / largest if largest else np.inf
