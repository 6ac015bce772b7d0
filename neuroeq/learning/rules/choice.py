"""Which rule a network learns by: its recipe says, and this calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neuroeq.physics.substrates import AnySubstrate

from .contrastive import contrastive
from .holomorphic import holomorphic
from .in_situ import in_situ
from .lesson import Lesson
from .update import Update
from .vector_field import vector_field

RULES: dict[str, Callable[[Any, Lesson], Update]] = {
    "in_situ": in_situ,
    "ep": contrastive,
    "coupled_learning": contrastive,
    "contrastive_hebbian": contrastive,
    "vector_field": vector_field,
    "corrected_vector_field": vector_field,
    "holomorphic": holomorphic,
}


def estimate(substrate: AnySubstrate, lesson: Lesson) -> Update:
    """Return the change that the network's own rule asks for."""
    training = substrate.network.training
    return RULES["in_situ" if training.learning == "in_situ" else training.rule](substrate, lesson)
