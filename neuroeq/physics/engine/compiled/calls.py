"""A shared library of a network as Python calls it, without copies."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Array = np.ndarray
DOUBLES = ("betas", "slopes", "rates")
LISTS = ("starts", "params", "velocities", "masks", "particles", "edges")
KEYS = ("keys", "prune_keys")
NUMBERS = ("momentum", "decay", "l1", "threshold", "inertia", "below", "temperature", "unit")
SHARED_FROM = 400_000
"""Operations from which a loop is shared among threads."""
_HELD: dict[int, object] = {}
"""What the libraries of this process hold, by their handles."""
one_at_a_time = threading.Lock()
"""Held while a library works, as its states are global."""


@dataclass(frozen=True)
class Work:
    """What a library learns from, and what it changes in place. Numbers have the network's precision unless said.

    Parameters
    ----------
    inputs, wanted
        Inputs and wanted outputs: (n, n_input) and (n, n_output).
    starts
        Start values of every variable that draws them: (n_batches, units).
    betas, slopes
        Nudges of each batch, (n_batches, n_nudged), and what each parameter's products are multiplied by in the free
        phase and the nudged ones, (n_batches, 1 + n_nudged, n_updates).
    keys
        Keys of the noise in the phases of each batch: integers (n_batches, 1 + n_nudged).
    prune_keys
        Keys of the random numbers by which edges are removed after each batch: integers (n_batches,). None if none are.
    rates
        Learning rates of the parameters that learn: (n_updates,).
    params
        The parameters that learn, then the others. They change in place.
    velocities, masks
        By parameter that learns: what the optimiser remembers of it, which changes in place, and 1 where there is a
        synapse and 0 elsewhere; of the parameter's shape, or empty where it needs none.
    edges
        The arrays of `layouts`.
    particles, seen
        States in which the free phases of samples begin, by variable, (n, units), which become those in which they end;
        and which samples have one, booleans (n,). None if all samples start at rest.
    momentum, decay, l1, threshold, inertia
        Numbers of the optimiser.
    below, temperature
        Numbers of pruning, in the unit of `params`.
    unit
        What a parameter of 1 is in `params`: on a crossbar, a conductance [S].
    threads
        The number of threads, which changes no bit of what is learned.
    """

    inputs: Array
    wanted: Array
    starts: Sequence[Array]
    betas: Array
    slopes: Array
    keys: Array
    rates: Array
    params: Sequence[Array]
    velocities: Sequence[Array] = ()
    masks: Sequence[Array] = ()
    edges: Sequence[Array] = ()
    particles: Sequence[Array] | None = None
    seen: Array | None = None
    momentum: float = 0.0
    decay: float = 0.0
    l1: float = 0.0
    threshold: float = 0.0
    inertia: float = 0.0
    below: float = 0.0
    temperature: float = 1.0
    prune_keys: Array | None = None
    unit: float = 1.0
    threads: int = 1


class _Work(ctypes.Structure):
    """The same for the library, as in work.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("samples", "threads", "shared_from")),
        *(
            (name, ctypes.c_void_p)
            for name in ("inputs", "wanted", "outputs", "starts", *DOUBLES, *KEYS, *LISTS[1:], "seen")
        ),
        *((name, ctypes.c_double) for name in NUMBERS),
    )


class Library:
    """A shared library that trains one network.

    Parameters
    ----------
    path
        Path of the shared library.
    """

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        self._learn, self._relax, self._bind, names = library.learn, library.relax, library.bind, library.array_names
        self._learn.restype, self._relax.restype, names.restype = None, ctypes.c_int64, ctypes.c_char_p
        self._names = names().decode().split()
        self._handle = library._handle

    @property
    def held(self) -> object:
        """What stands for the inputs and weights that the library holds for the next phase; None if it holds none.

        A library is in memory once, however often it is loaded.
        """
        return _HELD.get(self._handle)

    @held.setter
    def held(self, value: object) -> None:
        _HELD[self._handle] = value

    def learn(self, work: Work) -> Array:
        """Learn from batches in their order; return outputs at the end of the free phases, (n, n_output)."""
        outputs = np.empty(work.wanted.shape, work.wanted.dtype)
        inputs, wanted = np.ascontiguousarray(work.inputs), np.ascontiguousarray(work.wanted)
        numbers = {name: np.ascontiguousarray(getattr(work, name), float) for name in DOUBLES}
        numbers |= {
            name: np.ascontiguousarray(keys, np.uint64) for name in KEYS if (keys := getattr(work, name)) is not None
        }
        lists = {name: addresses(getattr(work, name)) for name in LISTS if getattr(work, name) is not None}
        given = _Work(
            samples=len(inputs),
            threads=work.threads,
            shared_from=SHARED_FROM,
            inputs=inputs.ctypes.data,
            wanted=wanted.ctypes.data,
            outputs=outputs.ctypes.data,
            seen=None if work.seen is None else work.seen.ctypes.data,
            **{name: array.ctypes.data for name, array in numbers.items()},
            **{name: ctypes.addressof(array) for name, array in lists.items()},
            **{name: getattr(work, name) for name in NUMBERS},
        )
        with one_at_a_time:  # the library's states are global
            self.held = None
            self._bind(None)
            self._learn(ctypes.byref(given))
        return outputs

    def bound(self, arrays: Mapping[str, Array]) -> ctypes.Array:
        """Return the addresses of a simulation's arrays, by the names that Brian2 gives them, as `relax` takes them."""
        found = [arrays[name].ctypes.data if name in arrays else None for name in self._names]
        return (ctypes.c_void_p * len(found))(*found)

    def relax(self, bound: ctypes.Array, phase: ctypes.Structure) -> int:
        """Run a phase on the arrays of a simulation, and return the number of steps that it took."""
        self._bind(bound)
        return int(self._relax(ctypes.byref(phase)))


def addresses(arrays: Sequence[Array]) -> ctypes.Array:
    """Return the addresses of arrays as C takes them."""
    return (ctypes.c_void_p * max(len(arrays), 1))(*(each.ctypes.data for each in arrays))
