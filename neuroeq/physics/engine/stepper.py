"""Two ways to advance a prepared Brian2 network: our own loop over its objects, and `Network.run`.

`net.run(0)` prepares a network once: names resolved, objects sorted, code compiled. After that the stepper walks the
sorted objects and runs each, step by step, so that a phase is just which objects run and for how long. The reference
does the same through Brian2's `Network.run`; on the same objects the two give the same bits.
"""

from __future__ import annotations

import gc
from collections.abc import Collection
from typing import Any

import numpy as np

from .brian import brian


class Stepper:
    """Runs the objects of a prepared network itself.

    Parameters
    ----------
    objects
        All Brian2 objects of the network.
    clock
        The clock of these objects.
    learning
        The objects that run only in plastic phases.
    recording
        The objects that run only in phases that are recorded.
    never
        The objects that Brian2 prepares but that are called from elsewhere.
    """

    def __init__(
        self,
        objects: Collection[Any],
        clock: Any,
        learning: Collection[Any] = (),
        recording: Collection[Any] = (),
        never: Collection[Any] = (),
    ) -> None:
        self.network = brian().Network(*objects)
        _run(self.network, 0.0)
        self._learning, self._recording, self._never = list(learning), list(recording), list(never)
        self._timestep = clock.variables["timestep"].get_value()
        self._t = clock.variables["t"].get_value()
        self._dt = float(clock.dt)
        self._calls: dict[tuple[bool, bool], list[Any]] = {}

    @property
    def timestep(self) -> int:
        """Number of steps since the start of the free phase."""
        return int(self._timestep[0])

    def rewind(self, timestep: int) -> None:
        """Set the clock to a number of steps since the start of the free phase."""
        self._timestep[0] = timestep
        self._t[0] = timestep * self._dt
        self.network.t_ = float(self._t[0])

    def advance(self, steps: int, learn: bool, record: bool) -> None:
        """Run a number of steps, with or without the objects for learning and for recording."""
        if (learn, record) not in self._calls:
            chosen = [obj for obj in self.network.sorted_objects if self._runs(obj, learn, record)]
            self._calls[learn, record] = [call for obj in chosen for call in _calls(obj)]
        calls = self._calls[learn, record]
        for _ in range(steps):
            for call in calls:
                call()
            self._timestep[0] += 1
            self._t[0] = self._timestep[0] * self._dt

    def _runs(self, obj: Any, learn: bool, record: bool) -> bool:
        if not obj.active or _among(obj, self._never):
            return False
        return (learn or not _among(obj, self._learning)) and (record or not _among(obj, self._recording))


class Reference(Stepper):
    """Runs the network with Brian2's own `Network.run`."""

    def advance(self, steps: int, learn: bool, record: bool) -> None:
        """Run a number of steps, with or without the objects for learning and for recording."""
        if steps == 0:
            return
        objects = self.network.sorted_objects
        silent = [obj for obj in objects if obj.active and not self._runs(obj, learn, record)]
        for obj in silent:
            obj.active = False
        self.network.t_ = float(self._t[0])
        _run(self.network, steps * self._dt)
        for obj in silent:
            obj.active = True


def _run(network: Any, duration: float) -> None:
    """Call `Network.run` for a duration [s]; its check for huge values overflows harmlessly in single precision.

    It collects garbage first, to warn of forgotten objects; modules and all else that exists now are not searched.
    """
    freezing = gc.get_freeze_count() == 0
    if freezing:
        gc.freeze()
    try:
        with np.errstate(over="ignore"):
            network.run(duration * brian().second, namespace={})
    finally:
        if freezing:
            gc.unfreeze()


def _calls(obj: Any) -> list[Any]:
    """Return what `obj.run()` would call."""
    plain = type(obj).run is brian().BrianObject.run
    return list(obj._code_objects) if plain else [obj.run]


def _among(obj: Any, objects: list[Any]) -> bool:
    return any(obj is other for other in objects)
