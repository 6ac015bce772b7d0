"""Data sets, how they are split, and batches of their examples.

May import `errors`, `units`, `randomness`, `contract`, `registry` and `describe`.
"""

from .examples import Examples, Part, load
from .sources import BUILT_IN

__all__ = ["BUILT_IN", "Examples", "Part", "load"]
