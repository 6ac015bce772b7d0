"""Figures from records: axes in, axes out.

Every function draws into `axes` if given, else into a new figure, and returns the axes.
"""

from .fidelity import backpropagation, cosines, errors, save_report
from .figures import FIGURES, save
from .hardware import energy, histogram
from .over_epochs import learning, saturation, weights
from .over_time import plasticity, raster, settling
from .windows import save_window, window

__all__ = [
    "FIGURES",
    "backpropagation",
    "cosines",
    "energy",
    "errors",
    "histogram",
    "learning",
    "plasticity",
    "raster",
    "saturation",
    "save",
    "save_report",
    "save_window",
    "settling",
    "weights",
    "window",
]
