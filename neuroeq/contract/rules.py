"""What a learning rule is, and what it can need of a substrate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from .phases import NudgeMode

Training: TypeAlias = Any
"""These two are classes of `neuroeq.describe.spec`, which imports this module, so this one cannot import them."""
Phases: TypeAlias = Any


@dataclass(frozen=True)
class Rule:
    """A learning rule, and what it needs.

    Parameters
    ----------
    estimate
        The rule itself: ``estimate(substrate, trial)`` returns an `Update`, the change that it asks for.
    nudge
        The only mode of nudge that the rule works with; if None, the network's file says, or else it is ``"state"``.
    needs
        What the substrate must have: ``"energy"`` (no directed weights between free layers), ``"vector_field"`` (units
        with a drive, which nodes of a resistor network lack) or ``"analytic"`` (smooth rate equations, which can be
        continued to complex states).
    check
        ``check(training, phases)`` raises ValueError for phases that the rule cannot work with.
    """

    estimate: Callable[[Any, Any], Any]
    nudge: NudgeMode | None = None
    needs: frozenset[str] = frozenset()
    check: Callable[[Training, Phases], None] | None = None

    def __call__(self, substrate: Any, trial: Any) -> Any:
        """Return the `Update` that the rule asks for."""
        return self.estimate(substrate, trial)


def as_rule(part: Any) -> Rule:
    """Return a part as a `Rule`; a plain function of substrate and trial becomes a rule that needs nothing."""
    return part if isinstance(part, Rule) else Rule(part)


NEEDS = ("energy", "vector_field", "analytic")
"""What a rule can need of a substrate."""


def rule(
    *needs: str, nudge: NudgeMode | None = None, check: Callable[[Training, Phases], None] | None = None
) -> Callable[[Callable[[Any, Any], Any]], Rule]:
    """Return a decorator that makes a function of substrate and trial a `Rule`.

    Parameters
    ----------
    needs
        What the substrate must have: any of `NEEDS`.
    nudge, check
        The parameters of `Rule` with the same names.

    Raises
    ------
    ValueError
        If a need is not one of `NEEDS`.
    """
    for need in needs:
        if need not in NEEDS:
            raise ValueError(f"a rule needs '{need}'; expected one of {', '.join(map(repr, NEEDS))}")
    return lambda estimate: Rule(estimate, nudge, frozenset(needs), check)
