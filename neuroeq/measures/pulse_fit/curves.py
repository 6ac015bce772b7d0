"""Conductance against pulse number: curves that are read from a CSV file, or simulated with a pulse law.

A curve is what one device does under equal pulses in one direction, in one cycle: its conductance before the first
pulse and after each pulse.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from neuroeq.describe.spec.device import Pulsed
from neuroeq.errors import DataError, given
from neuroeq.physics.devices.laws import draw_cells, pulse

Array = np.ndarray
UNITS = {"conductance_S": 1.0, "conductance_uS": 1e-6}
COLUMNS = ("device", "cycle", "pulse", "direction")
FEWEST = 5
"""The smallest number of pulses in each direction from which a device's constants are found."""
Key = tuple[str, int, str]


@dataclass(frozen=True)
class Curves:
    """Curves of several devices and cycles.

    Parameters
    ----------
    g
        The conductances before the first pulse and after each: (n_curves, most pulses + 1), padded with NaN. [S]
    up
        Whether the pulses of each curve are upwards: (n_curves,).
    device
        The index of each curve's device: (n_curves,).
    cycle
        The number of each curve's cycle: (n_curves,).
    names
        The names of the devices, in the order of their indices.
    source
        Where the curves come from, for messages and files.
    """

    g: Array
    up: Array
    device: Array
    cycle: Array
    names: tuple[str, ...]
    source: str

    def part(self, chosen: Array) -> Curves:
        """Return some of the curves, with only the devices that they belong to."""
        kept, device = np.unique(self.device[chosen], return_inverse=True)
        names = tuple(self.names[index] for index in kept)
        return Curves(self.g[chosen], self.up[chosen], device, self.cycle[chosen], names, self.source)

    @property
    def span(self) -> float:
        """The distance between the lowest and the highest conductance of all curves. [S]."""
        return float(np.nanmax(self.g) - np.nanmin(self.g))


def read_pulses(path: Path) -> Curves:
    """Read curves from a CSV file.

    Parameters
    ----------
    path
        A file with the columns ``device``, ``cycle``, ``pulse``, ``direction`` (up or down), and ``conductance_S`` or
        ``conductance_uS``. A row is the reading after that many pulses of one device, cycle and direction; pulse 0 is
        the reading before the first.

    Raises
    ------
    DataError
        If the file cannot be read, a column is missing, a value is not allowed, pulse numbers are not consecutive, or
        a device has too few pulses in a direction.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            readings = _readings(csv.DictReader(file, skipinitialspace=True), path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text (byte {error.start}); save it in that encoding.") from None
    except csv.Error as error:
        raise DataError(f"{path}: is not a CSV file; {error}.") from None
    return _checked(_curves({key: _consecutive(path, key, numbered) for key, numbered in readings.items()}, path.name))


def _readings(rows: csv.DictReader[str], path: Path) -> dict[Key, dict[int, float]]:
    """Return the conductances by device, cycle and direction, and there by number of pulse."""
    columns = tuple(rows.fieldnames or ())
    missing = [column for column in COLUMNS if column not in columns]
    units = [column for column in UNITS if column in columns]
    if missing or len(units) != 1:
        lacking = f"has no column '{missing[0]}'" if missing else f"has {len(units)} columns of conductance"
        expected = f"{', '.join(COLUMNS)}, and either {' or '.join(UNITS)}"
        raise DataError(f"{path}: {lacking}; expected the columns {expected} in its first line.")
    readings: dict[Key, dict[int, float]] = {}
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        direction = (row["direction"] or "").strip()
        if direction not in ("up", "down"):
            raise DataError(f"{where}: direction is {given(direction)}; expected 'up' or 'down'.")
        key = ((row["device"] or "").strip(), int(_number(row, "cycle", where, whole=True)), direction)
        number = int(_number(row, "pulse", where, whole=True))
        numbered = readings.setdefault(key, {})
        if number in numbered:
            raise DataError(f"{where}: repeats {_called(key)}, pulse {number}; expected each reading once.")
        numbered[number] = _number(row, units[0], where) * UNITS[units[0]]
    if not readings:
        raise DataError(f"{path}: holds no readings below its first line.")
    return readings


def _number(row: Mapping[str, str | None], column: str, where: str, whole: bool = False) -> float:
    try:
        number = float(row[column] or "")
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise DataError(f"{where}: {column} is {given(row[column])}; expected {kind} of at least 0.")
    return number


def _consecutive(path: Path, key: Key, numbered: Mapping[int, float]) -> list[float]:
    numbers = sorted(numbered)
    for before, after in pairwise(numbers):
        if after != before + 1:
            raise DataError(f"{path}: {_called(key)}, jumps from pulse {before} to {after}; expected every pulse.")
    return [numbered[number] for number in numbers]


def _called(key: Key) -> str:
    device, cycle, direction = key
    return f"device {given(device)}, cycle {cycle}, {direction}"


def _curves(readings: Mapping[Key, Iterable[float]], source: str) -> Curves:
    """Return curves that are keyed by device, cycle and direction as arrays."""
    names = tuple(dict.fromkeys(device for device, _, _ in readings))
    values = [list(curve) for curve in readings.values()]
    g = np.full((len(values), max(map(len, values))), np.nan)
    for row, curve in zip(g, values, strict=True):
        row[: len(curve)] = curve
    return Curves(
        g,
        np.array([direction == "up" for _, _, direction in readings]),
        np.array([names.index(device) for device, _, _ in readings]),
        np.array([cycle for _, cycle, _ in readings]),
        names,
        source,
    )


def _checked(curves: Curves) -> Curves:
    """Refuse devices with too few pulses in a direction, or pulses that move them the other way."""
    for index, name in enumerate(curves.names):
        for up, direction in ((True, "up"), (False, "down")):
            steps = np.diff(curves.g[(curves.device == index) & (curves.up == up)], axis=1)
            number, moved = int(np.isfinite(steps).sum()), float(np.nansum(steps))
            where = f"{curves.source}: device {given(name)}"
            if number < FEWEST:
                pulses = f"{number} pulse{'' if number == 1 else 's'}" if number else "no pulses"
                raise DataError(f"{where} has {pulses} {direction}; expected at least {FEWEST} in each direction.")
            if (moved <= 0) if up else (moved >= 0):
                raise DataError(
                    f"{where} moves by {1e6 * moved:g} uS over all its pulses {direction}; expected a move {direction}."
                )
    return curves


def simulate(
    law: Pulsed, window: tuple[float, float], *, devices: int, cycles: int, pulses: int, rng: np.random.Generator
) -> Curves:
    """Return the curves of devices that obey a law, each with as many pulses up as down, from the lower limit on.

    Parameters
    ----------
    law
        The law of the devices; with its spreads, its cycle-to-cycle noise, and its noise of writing as a noise of
        every reading.
    window
        The lowest and the highest conductance, which stand for the range of the law. [S]
    devices, cycles, pulses
        The number of devices, of cycles of each, and of pulses in each direction of a cycle.
    rng
        Random numbers of the devices and of the noise.
    """
    cells, (low, high) = draw_cells(law, (devices,), rng), law.range
    state = np.array(np.broadcast_to(cells.low, (devices,)), float)
    read: list[Array] = []
    for direction in ([1.0] * pulses + [-1.0] * pulses) * cycles:
        read.append(state)
        state = pulse(law, cells, state, np.full(devices, direction), rng)
    states = np.array([*read, state]).T
    states = states + law.write_noise * law.step * rng.standard_normal(states.shape)
    g = np.maximum(window[0] + (states - low) / (high - low) * (window[1] - window[0]), 0)
    sweeps = np.stack([g[:, each * pulses : (each + 1) * pulses + 1] for each in range(2 * cycles)], axis=1)
    return Curves(
        sweeps.reshape(-1, pulses + 1),
        np.tile(np.arange(2 * cycles) % 2 == 0, devices),
        np.repeat(np.arange(devices), 2 * cycles),
        np.tile(np.repeat(np.arange(1, cycles + 1), 2), devices),
        tuple(f"D{number + 1}" for number in range(devices)),
        f"simulated {law.model}",
    )


def as_csv(curves: Curves) -> str:
    """Return curves as the text of a CSV file, with conductances to six digits. [uS]."""
    lines = [",".join((*COLUMNS, "conductance_uS"))]
    for g, up, device, cycle in zip(curves.g, curves.up, curves.device, curves.cycle, strict=True):
        start = f"{curves.names[device]},{cycle}"
        direction = "up" if up else "down"
        lines += [f"{start},{number},{direction},{1e6 * each:.6g}" for number, each in enumerate(g[np.isfinite(g)])]
    return "\n".join(lines) + "\n"
