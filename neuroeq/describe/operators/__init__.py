"""Projections as linear operators: dense, sparse and convolutional ones, and biases, behind one contract."""

from .angles import feedback_angles
from .biases import Biases, unit_biases
from .choice import copies, operators, served_in_turn, used_again
from .convolution import Convolution
from .dense import Dense
from .free import FreeCoupling, free_couplings, free_weights
from .operator import Operator, Product
from .sparse import Sparse

__all__ = [
    "Biases",
    "Convolution",
    "Dense",
    "FreeCoupling",
    "Operator",
    "Product",
    "Sparse",
    "copies",
    "feedback_angles",
    "free_couplings",
    "free_weights",
    "operators",
    "served_in_turn",
    "unit_biases",
    "used_again",
]
