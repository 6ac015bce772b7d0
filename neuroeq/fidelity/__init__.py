"""How well a substrate's update points along the gradient: against the adjoint and finite differences."""

from .check import Projection, Report, check
from .differences import finite_differences
from .implicit import implicit_gradient

__all__ = ["Projection", "Report", "check", "finite_differences", "implicit_gradient"]
