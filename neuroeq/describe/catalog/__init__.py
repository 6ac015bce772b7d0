"""Names and paths become networks, models and hardware; a network is resolved for its substrate."""

from .files import FOLDERS, find, names, shown, title
from .loading import load_any, load_hardware, load_model, load_network
from .resolution import resolve
from .technology import IDEAL

__all__ = [
    "FOLDERS",
    "IDEAL",
    "find",
    "load_any",
    "load_hardware",
    "load_model",
    "load_network",
    "names",
    "resolve",
    "shown",
    "title",
]
