"""The contract between the wings: what substrates do, what phases are, and what a rule says of itself."""

from .phases import NUDGES, Array, Cost, Equilibrium, Nudge, NudgeMode, Params, Stop
from .rules import NEEDS, Rule, as_rule, rule
from .substrates import Circuit, Plastic, Substrate, Trial, VectorField

__all__ = [
    "NEEDS",
    "NUDGES",
    "Array",
    "Circuit",
    "Cost",
    "Equilibrium",
    "Nudge",
    "NudgeMode",
    "Params",
    "Plastic",
    "Rule",
    "Stop",
    "Substrate",
    "Trial",
    "VectorField",
    "as_rule",
    "rule",
]
