"""What can be chosen by name: a table a kind, of our own parts and of those that users add from outside.

Our own parts are written here as ``"module:object"`` and imported when they are first asked for. A user's are Python
files in the folder ``extensions`` of ``~/.neuroeq`` (or of ``$NEUROEQ_HOME``), or modules that an installed package
names as entry points in the group ``neuroeq.extensions``; they add themselves:

    from neuroeq.registry import COSTS

    @COSTS.register("huber")
    class Huber: ...

Model files are passed between strangers, so no model file can name code to be run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module, metadata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Generic, TypeVar

from neuroeq.errors import SpecError, unknown_name

T = TypeVar("T")
GROUP = "neuroeq.extensions"
"""Of entry points that name modules with parts."""


class Registry(Generic[T]):
    """The parts of one kind, by name.

    Parameters
    ----------
    kind
        What each part is, for messages, such as ``"cost"``.
    own
        Our own parts: by name, ``"module:object"``.
    """

    def __init__(self, kind: str, own: Mapping[str, str]) -> None:
        self.kind = kind
        self._own, self._added = dict(own), dict[str, T]()

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that adds a part under a name.

        Raises
        ------
        SpecError
            If there is another part of that name.
        """

        def add(part: T) -> T:
            if name in self._own or self._added.get(name, part) is not part:
                raise SpecError(f"there is a {self.kind} '{name}' already; register yours under another name.")
            self._added[name] = part
            return part

        return add

    def names(self) -> list[str]:
        """Return the names of all parts, ours first."""
        load_extensions()
        return [*self._own, *sorted(self._added)]

    def __contains__(self, name: object) -> bool:
        """Whether there is a part of that name; the users' parts are loaded only for a name that is not ours."""
        return isinstance(name, str) and (name in self._own or name in self.names())

    def get(self, name: str) -> T:
        """Return a part.

        Raises
        ------
        SpecError
            If there is none of that name; the message lists those that there are.
        """
        if name in self._own:
            module, _, attribute = self._own[name].partition(":")
            return getattr(import_module(module), attribute)
        names = self.names()
        if name not in self._added:
            raise unknown_name(self.kind, name, names, f"Expected one of {', '.join(map(repr, names))}.")
        return self._added[name]

    def check(self, name: str) -> str:
        """Return a name that exists, as validation of files asks.

        Raises
        ------
        ValueError
            If it does not.
        """
        if name not in self:
            raise ValueError(f"is '{name}'; expected one of {', '.join(map(repr, self.names()))}")
        return name


_loaded: set[Any] = set()


def load_extensions() -> None:
    """Import the users' parts that are not imported yet.

    Raises
    ------
    SpecError
        If one cannot be imported; the message says which and why.
    """
    home = Path(os.environ.get("NEUROEQ_HOME") or Path.home() / ".neuroeq")
    for path in sorted((home / "extensions").glob("*.py")):
        if path not in _loaded:
            _loaded.add(path)
            _imported(str(path), partial(_execute, path))
    for entry in metadata.entry_points(group=GROUP):
        if entry.value not in _loaded:
            _loaded.add(entry.value)
            _imported(f"entry point '{entry.name}'", entry.load)


def _imported(what: str, load: Callable[[], Any]) -> None:
    try:
        load()
    except Exception as error:
        raise SpecError(
            f"{what}: cannot be imported ({type(error).__name__}: {error}); mend it or remove it."
        ) from error


def _execute(path: Path) -> None:
    name = f"neuroeq_extensions.{path.stem}"
    spec = spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


COSTS: Registry[Any] = Registry(
    "cost",
    {
        "squared_error": "neuroeq.learning.costs:SquaredError",
        "cross_entropy": "neuroeq.learning.costs:CrossEntropy",
    },
)
"""Classes with a method ``of(phases)`` that returns a `Cost`."""

DIODES: Registry[Any] = Registry(
    "diode",
    {
        "none": "neuroeq.physics.circuits.diodes.ideal:NoDiode",
        "ideal": "neuroeq.physics.circuits.diodes.ideal:IdealDiode",
        "piecewise": "neuroeq.physics.circuits.diodes.piecewise:PiecewiseDiode",
        "shockley": "neuroeq.physics.circuits.diodes.shockley:ShockleyDiode",
    },
)
"""Subclasses of `neuroeq.physics.circuits.diodes.Diode`, whose attribute `fields` describes their table in a file."""

UPDATE_LAWS: Registry[Any] = Registry(
    "update law",
    {
        "direct": "neuroeq.describe.spec.device:Direct",
        "write_verify": "neuroeq.physics.devices.laws.programmed:WriteVerify",
        "gate_charge": "neuroeq.physics.devices.laws.programmed:GateCharge",
        "constant_step": "neuroeq.physics.devices.laws.steps:ConstantStep",
        "linear_step": "neuroeq.physics.devices.laws.steps:LinearStep",
        "soft_bounds": "neuroeq.physics.devices.laws.steps:SoftBounds",
        "exp_step": "neuroeq.physics.devices.laws.exponential:ExpStep",
        "neurosim_nl": "neuroeq.physics.devices.laws.exponential:NonLinear",
    },
)
"""Subclasses of `neuroeq.describe.spec.device.UpdateLaw`: what an update of the weights does to a device."""
