"""The catalog: it loads networks, models and hardware by name or path, and resolves a network for a substrate."""

from .arrays import of_hardware
from .building import changed, network
from .changes import as_change
from .files import FOLDERS, find, names, shown, title
from .loading import load_any, load_hardware, load_model, load_network
from .resolution import resolve
from .technology import IDEAL

__all__ = [
    "FOLDERS",
    "IDEAL",
    "as_change",
    "changed",
    "find",
    "load_any",
    "load_hardware",
    "load_model",
    "load_network",
    "names",
    "network",
    "of_hardware",
    "resolve",
    "shown",
    "title",
]
