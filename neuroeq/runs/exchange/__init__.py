"""Runs in the formats of other programs: a file for each format, which is named in `neuroeq.registry.EXPORTS`."""

from .exporting import export

__all__ = ["export"]
