"""The report of a comparison, a single HTML page."""

from .page import write_report

__all__ = ["write_report"]
