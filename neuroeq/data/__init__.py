"""Data sets, their splits, and batches of them."""

from .examples import Examples, Part, load
from .sources import BUILT_IN

__all__ = ["BUILT_IN", "Examples", "Part", "load"]
