"""Data sets, how they are split, and batches of their examples.

May import `errors`, `units`, `randomness`, `contract`, `registry` and `describe`.
"""

from .arrays import from_arrays, write_npz
from .examples import Examples, Part, examples_of, load
from .source import Source
from .sources import BUILT_IN

__all__ = ["BUILT_IN", "Examples", "Part", "Source", "examples_of", "from_arrays", "load", "write_npz"]
