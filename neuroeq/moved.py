"""Where modules went that had another name before version 0.2: an import by the old name works, and warns."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "analysis": "runs.analysis",
    "catalog": "describe.catalog",
    "certificate": "measures.certificate",
    "checking": "runs.checking",
    "circuits": "physics.circuits",
    "comparison": "runs.comparison",
    "costs": "learning.costs",
    "devices": "physics.devices",
    "edges": "describe.operators",
    "energy": "measures.energy",
    "engine": "physics.engine",
    "evaluation": "measures.evaluation",
    "fidelity": "measures.fidelity",
    "holding": "learning.weight_store",
    "optimiser": "learning.optimiser",
    "particles": "learning.particles",
    "phases": "learning.phases",
    "plots": "show.plots",
    "probes": "measures.probes",
    "pruning": "learning.pruning",
    "records": "runs.records",
    "report": "show.report",
    "rules": "learning.rules",
    "spec": "describe.spec",
    "stability": "physics.substrates.stability",
    "stdp": "measures.windows",
    "substrates": "physics.substrates",
    "training": "learning.training",
    "transfer": "runs.transfer",
    "watch": "learning.monitor",
}
"""Old name, without the ``neuroeq.`` before it, to new name; ``network`` and ``export`` are functions now."""


class _Moved(MetaPathFinder, Loader):
    """Finds a module by its old name and hands out the one that is there now."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        return ModuleSpec(fullname, self) if package == "neuroeq" and name in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = f"neuroeq.{MOVED[spec.name.partition('.')[2]]}"
        warnings.warn(f"{spec.name} is now {new}.", DeprecationWarning, stacklevel=2)
        module = import_module(new)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module, which is complete, back the specification that it was imported by."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """Let old names be imported."""
    sys.meta_path.append(_Moved())
