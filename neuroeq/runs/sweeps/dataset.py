"""A sweep as an xarray Dataset: its numbers over the dimensions of the grid, the cell and the seed, also as netCDF."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from neuroeq.errors import SpecError

from ..records.files import atomic
from .columns import NUMBERS
from .values import as_numbers

NETCDF = "sweep.nc"
"""The file of the Dataset in the folder of a sweep."""
UNITS = {"J": "J", "s": "s"}


class Gridded(Protocol):
    """What a Dataset is made of: a sweep, with a row for each point of its grid, cell and seed, in that order."""

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def network(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def dimensions(self) -> dict[str, list[str]]: ...  # noqa: D102
    @property
    def sizes(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def rows(self) -> tuple[dict[str, Any], ...]: ...  # noqa: D102


def dataset_of(sweep: Gridded, save: bool) -> Any:
    """Return the Dataset of a sweep, and write it into its folder if `save` is true.

    Keys that vary alone are dimensions; keys that vary together are coordinates of one dimension, which is named
    ``zip``, ``sample`` or ``set``. A cell that is not done has NaN.

    Raises
    ------
    SpecError
        If xarray or h5netcdf is not installed.
    """
    try:
        import h5netcdf  # noqa: F401
        import xarray
    except ImportError as error:
        raise SpecError(
            f"a Dataset needs {error.name}, which is not installed; install it with `pip install neuroeq[xarray]`."
        ) from None
    cells, seeds = (list(dict.fromkeys(row[name] for row in sweep.rows)) for name in ("cell", "seed"))
    names, shape = [*sweep.dimensions, "cell", "seed"], (*sweep.sizes, len(cells), len(seeds))

    def over_grid(values: Any) -> tuple[list[str], np.ndarray]:
        return names, np.array(values).reshape(shape)

    numbers = {name: over_grid([_number(row[name]) for row in sweep.rows]) for name in NUMBERS}
    words = {name: over_grid([row[name] or "" for row in sweep.rows]) for name in ("status", "message")}
    coordinates: dict[str, Any] = {"cell": cells, "seed": seeds}
    for axis, keys in enumerate(sweep.dimensions.values()):
        for key in keys:
            along = np.array([row[key] for row in sweep.rows], object).reshape(shape)
            along = along[tuple(slice(None) if index == axis else 0 for index in range(len(shape)))]
            coordinates[key] = (names[axis], *_coordinate(list(along)))
    about = {"network": sweep.network, "title": sweep.title}
    data = xarray.Dataset({**numbers, **words}, coordinates, about)
    for name in NUMBERS:
        if (unit := UNITS.get(name.rpartition("_")[2])) is not None:
            data[name].attrs["units"] = unit
    if save:
        atomic(sweep.path / NETCDF, bytes(data.to_netcdf(engine="h5netcdf")))
    return data


def _coordinate(values: list[Any]) -> tuple[np.ndarray, dict[str, str]]:
    """Return the values of a key along a dimension, as numbers in SI units where they are some, and their unit."""
    read = as_numbers(values)
    if read is None:
        return np.array(["" if value is None else str(value) for value in values]), {}
    numbers, unit = read
    whole = all(isinstance(value, int) for value in values)
    return np.array(numbers, int if whole else float), {"units": unit} if unit else {}


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
