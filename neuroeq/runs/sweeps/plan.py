"""The plan of a sweep: its cells, each named by its content, and `plan.json`, from which any process can do one.

name of a cell    SUBSTRATE[-HARDWARE]-DIGEST-seedN, where DIGEST is one of the resolved network
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from neuroeq.describe.catalog import as_change, load_network, of_hardware, resolve
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.errors import NeuroeqError, SpecError, given

from ..records.files import atomic
from .cells import Cell
from .claims import Claims
from .grid import Point
from .outcome import CELL, read_json
from .recipe import content_of, recipe

PLAN = "plan.json"
"""The file of a plan in the folder of its sweep."""
SCHEMA = 1
"""The version of the file."""
NETWORK = "network.toml"
"""The file in the folder of a sweep that describes a network which has no file of its own."""


@dataclass(frozen=True)
class Planned:
    """A cell of a sweep.

    Parameters
    ----------
    cell
        Its substrate, hardware and seed.
    values
        The values of what is varied, each as it would follow ``--set KEY=``.
    folder
        The name of its run folder. Cells with the same content have the same one, and are trained once.
    reference
        Whether nothing is varied, and hardware is left out: a run to compare the others with.
    """

    cell: Cell
    values: Point
    folder: str
    reference: bool = False


@dataclass(frozen=True)
class Shared:
    """The options that all cells of a sweep share.

    Parameters
    ----------
    network
        The name of the network, or the path of its file.
    settings, ideal
        Changes to the network, and parts of the hardware to idealise; those of the hardware apply to circuits only.
    epochs, quick
        The number of epochs, and whether to take only a quick look, as `recipe` says.
    data_dir, target
        The same as for `train`.
    checked
        Whether the update of each cell is compared with the gradient.
    loaded
        The network, if it is loaded already; it is no part of the plan's file.
    """

    network: str
    settings: tuple[str | Table, ...] = ()
    ideal: tuple[str, ...] = ()
    epochs: int | None = None
    quick: bool = False
    data_dir: str | None = None
    target: str | None = None
    checked: bool = True
    loaded: Network | None = field(default=None, compare=False, repr=False)

    @cached_property
    def described(self) -> Network:
        """The network, as its file describes it."""
        return self.loaded or load_network(self.network)

    def as_dict(self, folder: Path) -> dict[str, Any]:
        """Return the options as plain values; a network that lies in the folder of the plan is named without it."""
        table = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "loaded"}
        return table | {"network": NETWORK if self.network == own_network(folder) else self.network}

    def options(self, cell: Cell, values: Point, reference: bool = False) -> dict[str, Any]:
        """Return the arguments of `train` and `resolve` for a cell; those of a reference change no hardware.

        Raises
        ------
        NeuroeqError
            If the network cannot be resolved with these values.
        """
        given = [each for each in self.settings if not (reference and of_hardware(as_change(each)))]
        settings = [*given, *(f"{key}={value}" for key, value in values.items())]
        ideal = () if reference else self.ideal
        return recipe(self.described, cell.substrate, cell.hardware, settings, ideal, self.epochs, self.quick)

    def digest(self, cell: Cell, values: Point, reference: bool = False) -> str:
        """Return what tells the content of a cell from others, whatever its seed.

        Raises
        ------
        NeuroeqError
            If the network cannot be resolved with these values.
        """
        content = content_of(resolve(self.described, **self.options(cell, values, reference)), self.data_dir)
        content["run"].pop("seed", None)
        return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Plan:
    """The plan of a sweep.

    Parameters
    ----------
    out
        The folder of the sweep.
    name, title
        Those of the network.
    shared
        The options that all cells share.
    dimensions
        The keys of each factor of the grid, by its name.
    sizes
        The number of points of each factor.
    cells
        All cells: points by substrates by seeds, and at the end the references.
    """

    out: Path
    name: str
    title: str
    shared: Shared
    dimensions: dict[str, list[str]]
    sizes: tuple[int, ...]
    cells: tuple[Planned, ...]

    @property
    def keys(self) -> list[str]:
        """The keys that are varied."""
        return [key for keys in self.dimensions.values() for key in keys]

    @property
    def once(self) -> list[Planned]:
        """The cells, each content once."""
        cells: dict[str, Planned] = {}
        for each in self.cells:
            cells.setdefault(each.folder, each)
        return list(cells.values())

    @cached_property
    def _seeds(self) -> Counter[str]:
        return Counter(_content_of(each) for each in self.once)

    def seeds(self, planned: Planned) -> int:
        """Return the number of seeds with which the content of a cell is trained."""
        return self._seeds[_content_of(planned)]

    @property
    def claims(self) -> Claims:
        """Who works on which cell."""
        return Claims(self.out / "claims")

    def path(self, planned: Planned) -> Path:
        """Return the run folder of a cell."""
        return self.out / "cells" / planned.folder

    def outcome(self, planned: Planned) -> dict[str, Any] | None:
        """Return the record of a cell that is done or has failed; None for another one."""
        path = self.path(planned)
        record = read_json(path / CELL)
        if "failure" in record:
            return record
        kept = "gradient" in record and (record["gradient"] is not None or not self.shared.checked)
        return record if kept and (path / "result.json").exists() else None

    def write(self) -> Path:
        """Write `plan.json`, and return its path."""
        table = {
            "schema": SCHEMA,
            "name": self.name,
            "title": self.title,
            "shared": self.shared.as_dict(self.out),
            "dimensions": self.dimensions,
            "sizes": self.sizes,
            "cells": [
                {**asdict(each.cell), "values": each.values, "folder": each.folder, "reference": each.reference}
                for each in self.cells
            ],
        }
        atomic(self.out / PLAN, json.dumps(table, indent=1) + "\n")
        return self.out / PLAN


def planned_cells(shared: Shared, points: Sequence[Point], on: Sequence[Cell], references: bool) -> list[Planned]:
    """Return the cells of a sweep, after a look at every one of them.

    Parameters
    ----------
    shared
        The options that all cells share.
    points
        The values of what is varied.
    on
        Substrates with their hardware and all seeds.
    references
        Whether to add the unvaried network on each substrate, without hardware; it is left out where it is not valid.

    Raises
    ------
    NeuroeqError
        If any of them is not valid; the message says which.
    """
    kinds = list(dict.fromkeys((cell.substrate, cell.hardware) for cell in on))
    cells: list[Planned] = []
    for point in points:
        for kind in kinds:
            seeds = [cell for cell in on if (cell.substrate, cell.hardware) == kind]
            try:
                digest = shared.digest(seeds[0], point)
            except NeuroeqError as error:
                values = ", ".join([seeds[0].name, *(f"{key}={value}" for key, value in point.items())])
                number = f"{len(cells) + 1} of {len(points) * len(on)}"
                raise type(error)(f"cell {number} ({values}): {error}") from None
            cells += [Planned(cell, point, _named(cell, digest)) for cell in seeds]
    for substrate in dict.fromkeys(substrate for substrate, _ in kinds) if references else ():
        seeds = [Cell(substrate, None, seed) for seed in dict.fromkeys(cell.seed for cell in on)]
        with suppress(NeuroeqError):
            digest = shared.digest(seeds[0], {}, reference=True)
            cells += [Planned(cell, {}, _named(cell, digest), reference=True) for cell in seeds]
    return cells


def read_plan(path: Path) -> Plan:
    """Read the plan of a sweep.

    Parameters
    ----------
    path
        The file, or the folder that it is in.

    Raises
    ------
    SpecError
        If there is no plan, it is damaged, or of another version.
    """
    path = path / PLAN if path.is_dir() else path
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        version = table["schema"]
    except OSError as error:
        raise SpecError(
            f"{path}: cannot be read ({error.strerror}); `neuroeq sweep NETWORK --vary KEY=V1,V2 --plan` writes a plan."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise SpecError(
            f"{path}: is no plan of a sweep; make it anew with `neuroeq sweep NETWORK ... --plan`."
        ) from None
    if version != SCHEMA:
        raise SpecError(
            f"{path}: is a plan of version {given(version)}, and this is neuroeq {metadata.version('neuroeq')}, which "
            f"reads version {SCHEMA}; make it anew with `neuroeq sweep NETWORK ... --plan` in another folder."
        )
    try:
        plan = _plan_of(table, path.parent)
        odd = [
            each.folder for each in plan.cells if Path(each.folder).name != each.folder or each.folder[:1] in ("", ".")
        ]
        if odd:
            raise ValueError(f"{odd[0]!r} names no folder of a cell")
        return plan
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SpecError(
            f"{path}: is damaged ({given(str(error))}); make it anew with `neuroeq sweep NETWORK ... --plan`."
        ) from None


def _plan_of(table: dict[str, Any], out: Path) -> Plan:
    shared: dict[str, Any] = dict(table["shared"])
    if shared["network"] == NETWORK:
        shared["network"] = own_network(out)
    shared |= {key: tuple(value) for key, value in shared.items() if isinstance(value, list)}
    cells = tuple(
        Planned(
            Cell(each["substrate"], each["hardware"], each["seed"]), each["values"], each["folder"], each["reference"]
        )
        for each in table["cells"]
    )
    return Plan(out, table["name"], table["title"], Shared(**shared), table["dimensions"], tuple(table["sizes"]), cells)


def own_network(folder: Path) -> str:
    """Return the path of the file in the folder of a sweep that describes a network without a file of its own."""
    return str((folder / NETWORK).resolve())


def _content_of(planned: Planned) -> str:
    return planned.folder.rpartition("-seed")[0]


def _named(cell: Cell, digest: str) -> str:
    return f"{cell.name.replace(':', '-')}-{digest}-seed{cell.seed}"
