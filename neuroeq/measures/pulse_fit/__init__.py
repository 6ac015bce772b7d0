"""Pulse laws from measured devices: conductance against pulse number becomes the constants of a law."""

from .curves import Curves, as_csv, read_pulses, simulate
from .fit import Fit, fit_pulses
from .forms import FORMS
from .hardware_file import hardware_toml
from .population import Constant

__all__ = [
    "FORMS",
    "Constant",
    "Curves",
    "Fit",
    "as_csv",
    "fit_pulses",
    "hardware_toml",
    "read_pulses",
    "simulate",
]
