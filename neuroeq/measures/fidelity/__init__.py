"""How well a substrate's update points along the gradient: against the adjoint and finite differences."""

from .bptt import backpropagate
from .check import Projection, Report, check
from .chosen import Chosen, choose_examples
from .differences import finite_differences
from .implicit import implicit_gradient
from .rbp import Trajectory, follow

__all__ = [
    "Chosen",
    "Projection",
    "Report",
    "Trajectory",
    "backpropagate",
    "check",
    "choose_examples",
    "finite_differences",
    "follow",
    "implicit_gradient",
]
