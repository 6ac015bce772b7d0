"""The records of a run, in a folder or in memory: its description, its checkpoint and its results."""

from .folder import DATA_FILE, RunFolder, check_same, choose, to_toml, versions
from .memory import MemoryRecords

__all__ = ["DATA_FILE", "MemoryRecords", "RunFolder", "check_same", "choose", "to_toml", "versions"]
