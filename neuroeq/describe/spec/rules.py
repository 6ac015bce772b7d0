"""Which learning rules, phases and updates a network file may combine."""

from __future__ import annotations

from .recipe import RULE_NUDGES, Phases, Training


def check_rule(training: Training, phases: Phases) -> None:
    """Refuse a learning rule together with phases or updates that it does not work with.

    Raises
    ------
    ValueError
        If they do not go together; the message says what is expected.
    """
    rule = training.rule
    if rule != "ep" and training.learning == "in_situ":
        raise ValueError(
            f"training.rule is '{rule}' with training.learning 'in_situ', where the synapse is the rule; "
            "use learning 'contrastive', or a synapse such as 'vector_field'"
        )
    rule_nudge = RULE_NUDGES.get(rule)
    if rule_nudge is not None and phases.nudge not in (None, rule_nudge):
        raise ValueError(
            f"phases.nudge is '{phases.nudge}' with training.rule '{rule}', which nudges by '{rule_nudge}'; "
            "leave it out"
        )
    if rule == "contrastive_hebbian" and (phases.beta != 1 or phases.variant != "positive"):
        raise ValueError(
            f"training.rule is 'contrastive_hebbian' with phases.beta {phases.beta:g} and variant '{phases.variant}'; "
            "it clamps outputs at the target, so expected beta 1 and variant 'positive'"
        )
    if rule == "holomorphic" and phases.nudge not in (None, "state"):
        raise ValueError(f"phases.nudge is '{phases.nudge}' with training.rule 'holomorphic'; expected 'state'")
    if training.update == "every_step":
        _check_every_step(training, phases)
    if training.l1 and training.step.kind == "binary":
        raise ValueError(
            "training.l1 shrinks weights that training.step.kind 'binary' keeps at two values; leave it out"
        )
    if training.momentum and training.step.kind != "gradient":
        raise ValueError(
            f"training.momentum is {training.momentum:g} with training.step.kind '{training.step.kind}', which has "
            "none; leave it out"
        )


def _check_every_step(training: Training, phases: Phases) -> None:
    if training.learning == "contrastive":
        raise ValueError("training.update is 'every_step' with training.learning 'contrastive'; expected 'in_situ'")
    if training.l1 or training.prune:
        raise ValueError(
            f"training.update is 'every_step' with training.{'l1' if training.l1 else 'prune'}, which acts once a "
            "batch; expected 'after_phases'"
        )
    if phases.variant == "centred" or training.momentum or training.step.kind == "binary":
        raise ValueError(
            "training.update is 'every_step'; expected phases.variant 'positive', 'negative' or 'random_sign', "
            "training.momentum 0 and no binary training.step"
        )
