"""The contract between physics and learning: what a substrate does, what a phase is, and what a rule needs.

May import nothing of this package.
"""

from .phases import FOLLOWING, NUDGES, Array, Cost, Equilibrium, Nudge, NudgeMode, OnDevices, Params, Stop
from .rules import NEEDS, Rule, as_rule, rule
from .substrates import Calibrated, Circuit, Plastic, Substrate, Trial, VectorField, Wired

__all__ = [
    "FOLLOWING",
    "NEEDS",
    "NUDGES",
    "Array",
    "Calibrated",
    "Circuit",
    "Cost",
    "Equilibrium",
    "Nudge",
    "NudgeMode",
    "OnDevices",
    "Params",
    "Plastic",
    "Rule",
    "Stop",
    "Substrate",
    "Trial",
    "VectorField",
    "Wired",
    "as_rule",
    "rule",
]
