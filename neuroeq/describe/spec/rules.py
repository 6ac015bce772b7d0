"""Which learning rules, phases and updates a network file may combine."""

from __future__ import annotations

from neuroeq.contract import Rule, as_rule
from neuroeq.registry import RULES

from .recipe import Phases, Training


def rule_of(training: Training) -> Rule | None:
    """Return the rule of contrastive learning that a recipe names; None in situ, where the synapse is the rule."""
    return None if training.learning == "in_situ" else as_rule(RULES.get(training.rule))


def check_rule(training: Training, phases: Phases) -> None:
    """Refuse a learning rule together with phases or updates that it does not work with.

    Raises
    ------
    ValueError
        If they do not go together; the message says what is expected.
    """
    rule = rule_of(training)
    if rule is None and training.rule != "ep":
        raise ValueError(
            f"training.rule is '{training.rule}' with training.learning 'in_situ', where the synapse is the rule; "
            "use learning 'contrastive', or a synapse such as 'vector_field'"
        )
    if rule is not None and rule.nudge is not None and phases.nudge not in (None, rule.nudge):
        raise ValueError(
            f"phases.nudge is '{phases.nudge}' with training.rule '{training.rule}', which nudges by '{rule.nudge}'; "
            "leave it out"
        )
    if rule is not None and rule.check is not None:
        rule.check(training, phases)
    if training.update == "every_step":
        _check_every_step(training, phases)
    if training.l1 and training.step.kind == "binary":
        raise ValueError(
            "training.l1 shrinks weights that training.step.kind 'binary' keeps at two values; leave it out"
        )
    for name in ("momentum", "weight_decay"):
        value = getattr(training, name)
        if value and training.step.kind != "gradient":
            raise ValueError(
                f"training.{name} is {value:g} with training.step.kind '{training.step.kind}', which has none; leave "
                "it out"
            )


def _check_every_step(training: Training, phases: Phases) -> None:
    if training.learning == "contrastive":
        raise ValueError("training.update is 'every_step' with training.learning 'contrastive'; expected 'in_situ'")
    for name in ("l1", "weight_decay", "prune"):
        if getattr(training, name):
            raise ValueError(
                f"training.update is 'every_step' with training.{name}, which acts once a batch; expected "
                "'after_phases'"
            )
    if phases.variant == "centred" or training.momentum or training.step.kind == "binary":
        raise ValueError(
            "training.update is 'every_step'; expected phases.variant 'positive', 'negative' or 'random_sign', "
            "training.momentum 0 and no binary training.step"
        )
