"""A fast array takes the updates, and is read column by column into a slow array, which holds the weights.

    every update      A <- A + pulses of gain dW,   in which no value is lost: fractions of a pulse are left to chance
    and then          read column k of A relative to its symmetric points R,  k = 0, 1, ... in turn
      version 1         W_k <- W_k + pulses of rate (A - R)_k
      version 2         H_k <- H_k + rate (A - R)_k,   n = trunc(H/epsilon),   n pulses of W_k,   H <- H - n epsilon

A's pulses up and down drive it towards the states where both are equally large, its symmetric points R, so that what
is asked for in both directions by chance is forgotten. R is found at the start by alternating pulses (zero-shifting),
as the mean of what is read after pulses of both directions, or given: the middle of the window. On devices with equal
steps in all states A - R is the sum of all changes so far.

Gokmen & Haensch 2020, Front. Neurosci. 14:103; Gokmen 2021, Front. Artif. Intell. 4:699148; Kim et al. 2019,
arXiv:1907.10228 (zero-shifting).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from neuroeq.describe.spec.base import Positive
from neuroeq.describe.spec.device import Pulsed, UpdateLaw
from neuroeq.describe.spec.programming import Programmable, Programming

from .sign import no_pulses

Array = np.ndarray


class FastArray(Programming):
    """The base class of schemes whose changes go into a fast array, which is read column by column.

    Parameters
    ----------
    gain
        Factor between the change that is asked for and the one that the fast array gets.
    rate
        Part of what is read from the fast array that is brought into the slow one.
    columns
        Number of columns that are read at an update.
    """

    gain: Positive = 1.0
    rate: Positive = 0.1
    columns: Annotated[int, Field(gt=0)] = 1

    def refusal(self, law: UpdateLaw, unidirectional: bool) -> str | None:
        """Return that devices need pulses in both directions."""
        if unidirectional:
            return "whose fast array needs pulses both ways, and devices are unidirectional; use 'mixed_precision'"
        return None if isinstance(law, Pulsed) else no_pulses(law)

    def turn(self, number: int, n_columns: int) -> Array:
        """Return the columns that are read at an update of some number, in the order in which they are read."""
        return (number * self.columns + np.arange(min(self.columns, n_columns))) % n_columns


class TikiTaka(FastArray):
    """Version 1: columns of the fast array are written into the slow one by pulses.

    Parameters
    ----------
    scheme
        The name of this scheme, ``"tiki_taka"``.
    symmetric
        How symmetric points are known: found by alternating pulses (``"zero_shifting"``), or taken to be the middle of
        the window (``"given"``).
    shifts
        Number of pairs of alternating pulses that find them.
    """

    scheme: Literal["tiki_taka"] = "tiki_taka"
    symmetric: Literal["zero_shifting", "given"] = "zero_shifting"
    shifts: Annotated[int, Field(gt=0, le=100_000)] = 200

    def update(self, devices: Programmable, change: Array, rng: np.random.Generator) -> None:
        """Write the change into the fast array, and read columns; the arguments are those of `Programming.update`."""
        pulses, transfer, shifting, reading = rng.spawn(4)
        fast = devices.beside("fast")
        reference = np.broadcast_to(self._reference(devices, fast, shifting), change.shape)
        fast.pulse(self.gain * change, pulses)
        turn = int(devices.memory("turn"))
        read = np.zeros_like(change)
        some = self.turn(turn, len(change))
        read[some] = self.rate * (fast.read(reading, some) - reference[some])
        devices.keep("turn", turn + 1)
        self._transfer(devices, read, transfer)

    def _transfer(self, devices: Programmable, read: Array, rng: np.random.Generator) -> None:
        devices.pulse(read, rng)

    def _reference(self, devices: Programmable, fast: Programmable, rng: np.random.Generator) -> Array | float:
        if self.symmetric == "given":
            return 0.0
        if not devices.memory("turn"):
            devices.keep("reference", self._shifted(fast, rng))
        return devices.memory("reference")

    def _shifted(self, fast: Programmable, rng: np.random.Generator) -> Array:
        """Return the mean of what is read after each of the last half of alternating pulses."""
        total, first = np.zeros(np.shape(fast.weights)), self.shifts // 2
        for turn in range(self.shifts):
            for direction in (1.0, -1.0):
                fast.step(np.full(total.shape, 2 * direction), rng)
                if turn >= first:
                    total += fast.read()
        return total / (2 * (self.shifts - first))


class TikiTakaV2(TikiTaka):
    """Version 2: a digital filter between the two arrays, which passes whole granules.

    Parameters
    ----------
    scheme
        The name of this scheme, ``"tiki_taka_v2"``.
    """

    scheme: Literal["tiki_taka_v2"] = "tiki_taka_v2"  # type: ignore[assignment]

    def _transfer(self, devices: Programmable, read: Array, rng: np.random.Generator) -> None:
        filtered(devices, read, rng)


def filtered(devices: Programmable, read: Array, rng: np.random.Generator) -> None:
    """Add what is read to the digital filter, and pulse the slow array by the whole granules that are in it."""
    collected, size = devices.memory("filter") + read, devices.granularity
    number = np.trunc(collected / size)
    devices.step(number, rng)
    devices.keep("filter", collected - number * size)
