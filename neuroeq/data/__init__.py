"""Examples: built-in data sets, files and arrays, checked and split before anything is trained.

May import `describe` and what stands above it.
"""

from .arrays import from_arrays, write_npz
from .examples import Examples, Part, examples_of, load
from .sources import BUILT_IN

__all__ = ["BUILT_IN", "Examples", "Part", "examples_of", "from_arrays", "load", "write_npz"]
