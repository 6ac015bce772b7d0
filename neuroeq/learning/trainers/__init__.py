"""Trainers, which learn from batches, and the choice between them."""

from .choice import Choice, choose, explained, prepare, start, title

__all__ = ["Choice", "choose", "explained", "prepare", "start", "title"]
