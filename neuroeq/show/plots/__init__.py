"""Figures that are drawn from the records of runs.

Every function draws into the Matplotlib axes that it is given, or else into a new figure, and returns the axes.
"""

from .comparison import accuracy_and_energy, gradient_cosines, learning_curves
from .fidelity import backpropagation, cosines, errors, save_report
from .figures import FIGURES, View, save
from .graph import graph, graph_size
from .hardware import energy, histogram
from .inline import Inline, comparison_figures, embedded, inline
from .maps import kernels, maps
from .over_epochs import learning, saturation, weights
from .over_time import plasticity, raster, settling
from .phases import coherence, phases
from .pulses import pulse_fit, save_fit
from .sweep import QUANTITIES, save_sweep, sweep_figure
from .windows import save_window, window

__all__ = [
    "FIGURES",
    "QUANTITIES",
    "Inline",
    "View",
    "accuracy_and_energy",
    "backpropagation",
    "coherence",
    "comparison_figures",
    "cosines",
    "embedded",
    "energy",
    "errors",
    "gradient_cosines",
    "graph",
    "graph_size",
    "histogram",
    "inline",
    "kernels",
    "learning",
    "learning_curves",
    "maps",
    "phases",
    "plasticity",
    "pulse_fit",
    "raster",
    "saturation",
    "save",
    "save_fit",
    "save_report",
    "save_sweep",
    "save_window",
    "settling",
    "sweep_figure",
    "weights",
    "window",
]
