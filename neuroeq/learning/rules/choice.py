"""The choice of the rule that a network learns by, from its recipe."""

from __future__ import annotations

from neuroeq.contract import Substrate
from neuroeq.describe.spec.rules import rule_of

from .in_situ import in_situ
from .trial import Trial
from .update import Update


def estimate(substrate: Substrate, trial: Trial) -> Update:
    """Return the change that the network's own rule asks for."""
    rule = rule_of(substrate.network.training) or in_situ
    return rule(substrate, trial)
