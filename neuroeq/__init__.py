"""Equilibrium Propagation on neuromorphic substrates.

Write a network once; learn it as leaky-integrator rates and as spikes.

>>> import neuroeq as ne
>>> net = ne.load_network("xor")
>>> net.title
'Exclusive or, 2-16-2'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import analysis, plots
    from .catalog import load_network, resolve
    from .comparison import Comparison, compare
    from .contract import Equilibrium, Nudge, Stop
    from .errors import NeuroeqError
    from .network import initial_params
    from .runs import Run, load_run, train
    from .substrates import NeuronSubstrate, build
    from .transfer import evaluate_run

__version__ = "0.1.0"

_HOMES = {
    "Comparison": "comparison",
    "Equilibrium": "contract",
    "NeuroeqError": "errors",
    "NeuronSubstrate": "substrates",
    "Nudge": "contract",
    "Run": "runs",
    "Stop": "contract",
    "analysis": "",
    "build": "substrates",
    "compare": "comparison",
    "evaluate_run": "transfer",
    "initial_params": "network",
    "load_network": "catalog",
    "load_run": "runs",
    "plots": "",
    "resolve": "catalog",
    "train": "runs",
}

__all__ = [
    "Comparison",
    "Equilibrium",
    "NeuroeqError",
    "NeuronSubstrate",
    "Nudge",
    "Run",
    "Stop",
    "analysis",
    "build",
    "compare",
    "evaluate_run",
    "initial_params",
    "load_network",
    "load_run",
    "plots",
    "resolve",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'neuroeq' has no attribute '{name}'")
    home = _HOMES[name]
    return import_module(f".{name}", __name__) if not home else getattr(import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
