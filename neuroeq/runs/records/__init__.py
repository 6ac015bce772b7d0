"""The records of a run, in a folder or in memory: its description, its checkpoint and its results."""

from .choice import check_same, choose
from .folder import DATA_FILE, RunFolder, resuming, to_toml, versions
from .memory import MemoryRecords

__all__ = ["DATA_FILE", "MemoryRecords", "RunFolder", "check_same", "choose", "resuming", "to_toml", "versions"]
