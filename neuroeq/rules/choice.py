"""Which rule a network learns by: its recipe says, and this calls it."""

from __future__ import annotations

from ..substrates import AnySubstrate, NeuronSubstrate
from .contrastive import contrastive
from .holomorphic import holomorphic
from .in_situ import in_situ
from .lesson import Lesson
from .update import Update
from .vector_field import vector_field


def estimate(substrate: AnySubstrate, lesson: Lesson) -> Update:
    """Return the change that the network's own rule asks for."""
    training = substrate.network.training
    if training.learning == "contrastive" and training.rule in ("ep", "coupled_learning", "contrastive_hebbian"):
        return contrastive(substrate, lesson)
    assert isinstance(substrate, NeuronSubstrate)
    if training.rule == "holomorphic":
        return holomorphic(substrate, lesson)
    return (in_situ if training.learning == "in_situ" else vector_field)(substrate, lesson)
