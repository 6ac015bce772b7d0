"""The devices of one array in use: what they hold, the memory of their programming scheme, and counts."""

from __future__ import annotations

import numpy as np

from neuroeq.describe.spec.device import Pulsed

from .array import DeviceArray

Array = np.ndarray
PULSES, READS = "pulses", "reads"
"""Names under which the numbers of pulses and reads of each device are kept."""
STATE = "state"
"""Name under which the conductances are kept that the next pulses start from, where pulses miss them [S]."""
ROUNDS = {PULSES: "pulse_rounds", READS: "read_rounds"}
"""Names under which is kept how many pulses, or reads, followed each other: rows in turn, devices of a row at once."""
ASKED, START = "asked", "start"
"""Names under which the sum of all changes that were asked for is kept, and the weights before the first of them."""


class ProgrammedArray:
    """An array of devices that a scheme programs; a `neuroeq.describe.spec.programming.Programmable`.

    Parameters
    ----------
    array
        The devices, with their spread.
    held
        What all devices of the chip hold; its entries are replaced, never changed in place.
    name
        The name of the array in `held`.
    """

    def __init__(self, array: DeviceArray, held: dict[str, Array], name: str) -> None:
        self._array, self._held, self._name = array, held, name
        self.pulsed = isinstance(array.law, Pulsed)
        self.granularity = array.granularity
        self.bounds = array.mapping.bounds
        self.most = array.law.max_pulses if isinstance(array.law, Pulsed) else np.inf

    @property
    def weights(self) -> Array:
        """The weights that the devices hold now: (n_pre, n_post)."""
        return self._array.mapping.weights(self._held[self._name])

    def pulse(self, change: Array, rng: np.random.Generator) -> None:
        """Send as many pulses as a change of weights asks for on average; fractions of a pulse are left to chance."""
        if not self.pulsed:
            self._write(change, rng)
            return
        counts, noise = rng.spawn(2)
        self._send(self._array.chanced(self._array.apportioned(change), counts), noise)

    def step(self, number: Array, rng: np.random.Generator) -> None:
        """Move each weight by a number of granules, up or down; devices with pulses move by whole ones only."""
        if not self.pulsed:
            self._write(number * self.granularity, rng)
            return
        sharing, noise = rng.spawn(2)
        self._send(self._array.shared(number, sharing), noise)

    def read(self, rng: np.random.Generator | None = None, rows: Array | None = None) -> Array:
        """Return the weights as they are read, with the noise of one reading if `rng` is given, and count the reads.

        With `rows`, only the weights out of these presynaptic units are read, and returned in their order.
        """
        some = slice(None) if rows is None else rows
        read = np.zeros(self._array.shape)
        read[:, some] = 1
        self._count(READS, read)
        held = self._held[self._name]
        return self._array.mapping.weights(held if rng is None else self._array.acting(held, rng))[some]

    def memory(self, name: str, start: Array | float = 0.0) -> Array:
        """Return what a scheme keeps in digital memory under a name; `start` if it has kept nothing yet."""
        return self._held.get(f"{self._name}/{name}", np.asarray(start, float))

    def keep(self, name: str, value: Array | float) -> None:
        """Keep something in digital memory for the next update."""
        self._held[f"{self._name}/{name}"] = np.asarray(value, float)

    def beside(self, name: str) -> ProgrammedArray:
        """Return a second array of such devices, each with a spread of its own; at weights of 0 when it is new."""
        key, array = f"{self._name}/{name}", self._array.beside(name)
        if key not in self._held:
            self._held[key] = array.written(np.zeros(array.shape[1:]), array.child("write"))
        return ProgrammedArray(array, self._held, key)

    def _write(self, change: Array, rng: np.random.Generator) -> None:
        held, moved = self._held[self._name], change != 0
        written = self._array.written(self.weights + change, rng)
        self._held[self._name] = np.where(moved, written, held)
        self._count(PULSES, np.broadcast_to(moved, held.shape))

    def _send(self, number: Array, rng: np.random.Generator) -> None:
        """Send pulses to each device; where they miss their states (`write_noise`), the states are kept beside them."""
        if not number.any():
            return
        held, law = self._held[self._name], self._array.law
        assert isinstance(law, Pulsed)
        state = self._array.pulsed(self.memory(STATE, held), number, rng)
        self._held[self._name] = state
        if law.write_noise:
            self.keep(STATE, state)
            missed = self._array.missed(state.shape, rng.spawn(1)[0])
            self._held[self._name] = np.where(number != 0, np.maximum(state + missed, 0), held)
        self._count(PULSES, np.abs(number))

    def _count(self, what: str, number: Array) -> None:
        key = f"{self._name}/{what}"
        self._held[key] = self._held.get(key, 0) + number.astype(np.int64)
        rounds = f"{self._name}/{ROUNDS[what]}"
        self._held[rounds] = self._held.get(rounds, 0) + np.asarray(number.max(axis=(0, -1)).sum(), np.int64)
