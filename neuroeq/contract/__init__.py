"""The contract between the wings: what substrates do, what phases are, and what a rule says of itself.

May import nothing of this package.
"""

from .phases import NUDGES, Array, Cost, Equilibrium, Nudge, NudgeMode, Params, Stop
from .rules import NEEDS, Rule, as_rule, rule
from .substrates import Circuit, Lesson, Plastic, Substrate, VectorField

__all__ = [
    "NEEDS",
    "NUDGES",
    "Array",
    "Circuit",
    "Cost",
    "Equilibrium",
    "Lesson",
    "Nudge",
    "NudgeMode",
    "Params",
    "Plastic",
    "Rule",
    "Stop",
    "Substrate",
    "VectorField",
    "as_rule",
    "rule",
]
