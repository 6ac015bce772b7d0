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
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
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

    @property
    def ours(self) -> list[str]:
        """The names of our own parts, without looking for those that users add."""
        return list(self._own)

    def __iter__(self) -> Iterator[str]:
        """Yield the names of all parts, ours first."""
        return iter(self.names())

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
            *others, last = map(repr, self.names())
            raise ValueError(f"is '{name}'; expected {', '.join(others)} or {last}")
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
    for entry in _entry_points():
        if entry.value not in _loaded:
            _loaded.add(entry.value)
            _imported(f"entry point '{entry.name}'", entry.load)


@cache
def _entry_points() -> tuple[metadata.EntryPoint, ...]:
    return tuple(metadata.entry_points(group=GROUP))


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
TRAINERS: Registry[Any] = Registry(
    "trainer",
    {
        "compiled": "neuroeq.learning.trainers.compiled:Compiled",
        "fused": "neuroeq.learning.trainers.fused:Fused",
        "compiled_phases": "neuroeq.learning.trainers.compiled_phases:CompiledPhases",
        "fused_phases": "neuroeq.learning.trainers.fused_phases:FusedPhases",
        "stepwise": "neuroeq.learning.trainers.stepwise:Stepwise",
    },
)
"""Classes that are a `neuroeq.learning.trainers.contract.Trainer`, in the order in which they are considered."""

RULES: Registry[Any] = Registry(
    "learning rule",
    {
        "ep": "neuroeq.learning.rules.contrastive:EP",
        "vector_field": "neuroeq.learning.rules.vector_field:VECTOR_FIELD",
        "corrected_vector_field": "neuroeq.learning.rules.vector_field:CORRECTED",
        "coupled_learning": "neuroeq.learning.rules.contrastive:COUPLED",
        "contrastive_hebbian": "neuroeq.learning.rules.contrastive:HEBBIAN",
        "holomorphic": "neuroeq.learning.rules.holomorphic:HOLOMORPHIC",
    },
)
"""Rules of contrastive learning: each a `neuroeq.contract.Rule`, or a function of substrate and trial."""

SUBSTRATES: Registry[Any] = Registry(
    "substrate",
    {
        "rate": "neuroeq.physics.substrates.neurons:NeuronSubstrate",
        "spiking": "neuroeq.physics.substrates.neurons:NeuronSubstrate",
        "oscillator": "neuroeq.physics.substrates.oscillator:Oscillators",
        "crossbar": "neuroeq.physics.substrates.crossbar:Crossbar",
        "resistive": "neuroeq.physics.substrates.resistors:resistor_network",
    },
)
"""Classes or functions that take a resolved network, its parameters, the batch size and options of the simulation.

One that users add says in an attribute ``kind``, a `neuroeq.describe.kinds.Kind`, how networks are described on it.
"""

FIGURES: Registry[Any] = Registry(
    "figure",
    {
        "raster": "neuroeq.show.plots.figures:RASTER",
        "weights": "neuroeq.show.plots.figures:WEIGHTS",
        "learning": "neuroeq.show.plots.figures:LEARNING",
        "settling": "neuroeq.show.plots.figures:SETTLING",
        "saturation": "neuroeq.show.plots.figures:SATURATION",
        "conductances": "neuroeq.show.plots.figures:CONDUCTANCES",
        "energy": "neuroeq.show.plots.figures:ENERGY",
        "kernels": "neuroeq.show.plots.figures:KERNELS",
        "maps": "neuroeq.show.plots.figures:MAPS",
        "phases": "neuroeq.show.plots.figures:PHASES",
    },
)
"""Figures of `neuroeq plot`: functions of a run that return a Matplotlib figure, each a `RunFigure`."""

PAGES: Registry[Any] = Registry(
    "page",
    {
        "network": "neuroeq.show.notebook:network_page",
        "run": "neuroeq.show.notebook:run_page",
        "comparison": "neuroeq.show.notebook:comparison_page",
    },
)
"""What notebooks show: functions of an object that return HTML."""

EXPORTS: Registry[Any] = Registry(
    "format",
    {
        "spice": "neuroeq.runs.exchange.spice:write",
        "npz": "neuroeq.runs.exchange.npz:write",
        "nir": "neuroeq.runs.exchange.nir:write",
        "neo": "neuroeq.runs.exchange.neo:nix",
        "nix": "neuroeq.runs.exchange.neo:nix",
        "nwb": "neuroeq.runs.exchange.neo:nwb",
        "brian2": "neuroeq.runs.exchange.brian2:write",
    },
)
"""Functions of a run and a file that write the file, with options, and return what there is to say about it.

It is a dict of counts by name and, as ``"run"``, of the command that runs the file, in which FILE stands for its name;
or None. The file is a draft, which `neuroeq.export` renames when it is written.
"""

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

PROGRAMMING: Registry[Any] = Registry(
    "programming scheme",
    {
        "pulses": "neuroeq.describe.spec.programming:Pulses",
        "mixed_precision": "neuroeq.physics.devices.programming.mixed_precision:MixedPrecision",
        "write_verify": "neuroeq.physics.devices.programming.write_verify:WriteAndVerify",
        "sign": "neuroeq.physics.devices.programming.sign:SignOfChange",
        "tiki_taka": "neuroeq.physics.devices.programming.tiki_taka:TikiTaka",
        "tiki_taka_v2": "neuroeq.physics.devices.programming.tiki_taka:TikiTakaV2",
        "tiki_taka_agad": "neuroeq.physics.devices.programming.agad:DynamicReference",
    },
)
"""Subclasses of `neuroeq.describe.spec.programming.Programming`: how changes of weights are brought into devices."""
