"""Cells of a comparison: a substrate, what it is made of, and a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuroeq.describe.catalog import find
from neuroeq.describe.kinds import kind_of
from neuroeq.errors import SpecError, unknown_name
from neuroeq.registry import SUBSTRATES

BASELINE = "backprop"
"""The name of the cells in which back-propagation takes the place of a substrate."""


@dataclass(frozen=True)
class Cell:
    """One training of a comparison.

    Parameters
    ----------
    substrate, hardware
        The substrate and its hardware, as for `train`; `BASELINE` for back-propagation.
    seed
        The seed of the run.
    """

    substrate: str
    hardware: str | None
    seed: int

    @property
    def name(self) -> str:
        """The name of the cell: its substrate and, after a colon, its hardware."""
        return self.substrate if self.hardware is None else f"{self.substrate}:{_stem(self.hardware)}"

    @property
    def baseline(self) -> bool:
        """Whether it is trained by back-propagation."""
        return self.substrate == BASELINE

    def like(self, other: Cell) -> bool:
        """Whether another cell differs in its seed only."""
        return (self.substrate, self.hardware) == (other.substrate, other.hardware)

    @property
    def folder(self) -> str:
        """The name of the folder of its run."""
        return f"{self.name.replace(':', '-')}-seed{self.seed}"


def cells_of(on: Sequence[str], seeds: int = 1) -> list[Cell]:
    """Return the cells of a comparison, substrate by substrate.

    Parameters
    ----------
    on
        The substrates, with their hardware, such as ``"rate"`` and ``"crossbar:ideal"``.
    seeds
        The number of seeds for each of them, counted from 0.

    Raises
    ------
    NeuroeqError
        If a substrate or its hardware does not exist, or a cell is named twice.
    """
    cells: dict[str, Cell] = {}
    for text in on:
        substrate, colon, hardware = text.strip().partition(":")
        known = SUBSTRATES.names()
        if substrate not in known:
            raise unknown_name("substrate", substrate, known, f"--on takes: {', '.join(known)}.")
        if colon and not kind_of(substrate).hardware:
            raise SpecError(f"--on {text}: substrate '{substrate}' has no hardware; write '{substrate}'.")
        if colon:
            find("hardware", hardware)
        if Path(_stem(hardware)).name != _stem(hardware):
            raise SpecError(f"--on {text}: a name is no path; give the name of hardware, or the path of a .toml file.")
        cell = Cell(substrate, hardware if colon else None, 0)
        if cell.name in cells:
            raise SpecError(f"--on: '{cell.name}' is asked for twice; name every cell once, and every file its own.")
        cells[cell.name] = cell
    if not cells:
        raise SpecError("--on is empty; expected substrates, such as rate,spiking,crossbar:ideal.")
    if seeds < 1:
        raise SpecError(f"--seeds is {seeds}; expected at least 1.")
    return [Cell(each.substrate, each.hardware, seed) for each in cells.values() for seed in range(seeds)]


def _stem(hardware: str) -> str:
    return Path(hardware).stem if hardware.endswith(".toml") else hardware
