"""The records of a run, in a folder or in memory: what it was, where it stands, what came of it."""

from .folder import DATA_FILE, RunFolder, check_same, choose, to_toml, versions
from .memory import MemoryRecords

__all__ = ["DATA_FILE", "MemoryRecords", "RunFolder", "check_same", "choose", "to_toml", "versions"]
