"""A run on disk."""

from .folder import RunFolder, check_same, choose, to_toml, versions

__all__ = ["RunFolder", "check_same", "choose", "to_toml", "versions"]
