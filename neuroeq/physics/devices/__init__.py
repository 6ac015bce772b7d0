"""Programmable devices: update laws, noise, drift and faults, as functions of SI values and a random generator."""

from .chip import Chip
from .converters import quantised
from .laws import Cells, draw_cells, pulse
from .noise import drifted, programming_sd, read_sd
from .programmed_array import PULSES, READS, ROUNDS

__all__ = [
    "PULSES",
    "READS",
    "ROUNDS",
    "Cells",
    "Chip",
    "draw_cells",
    "drifted",
    "programming_sd",
    "pulse",
    "quantised",
    "read_sd",
]
