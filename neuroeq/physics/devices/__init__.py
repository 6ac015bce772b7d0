"""What programmed devices hold and return: pulses, noise, drift, faults, as functions of SI values and a generator."""

from .chip import Chip
from .converters import quantised
from .laws import Cells, draw_cells, pulse
from .noise import drifted, programming_sd, read_sd

__all__ = ["Cells", "Chip", "draw_cells", "drifted", "programming_sd", "pulse", "quantised", "read_sd"]
