"""Names and paths become networks, models and hardware; a network is resolved for its substrate."""

from .building import changed, network
from .files import FOLDERS, find, names, shown, title
from .loading import load_any, load_hardware, load_model, load_network
from .resolution import resolve
from .technology import IDEAL

__all__ = [
    "FOLDERS",
    "IDEAL",
    "changed",
    "find",
    "load_any",
    "load_hardware",
    "load_model",
    "load_network",
    "names",
    "network",
    "resolve",
    "shown",
    "title",
]
