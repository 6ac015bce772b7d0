"""Data sets, how they are split, and batches of their examples.

May import `errors`, `units`, `randomness`, `contract`, `registry` and `describe`.
"""

from .arrays import from_arrays, source_bytes
from .epoch import Epoch
from .examples import Examples, Part, examples_of, load
from .source import Source
from .sources import BUILT_IN, OWN, data_folder, located

__all__ = [
    "BUILT_IN",
    "OWN",
    "Epoch",
    "Examples",
    "Part",
    "Source",
    "data_folder",
    "examples_of",
    "from_arrays",
    "load",
    "located",
    "source_bytes",
]
