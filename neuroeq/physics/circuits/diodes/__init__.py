"""The diodes at the nodes of a circuit: one class per diode, found by name in the registry `DIODES`."""

from .diode import Diode, Expression
from .ideal import IdealDiode, NoDiode
from .piecewise import PiecewiseDiode
from .shockley import ShockleyDiode

__all__ = ["Diode", "Expression", "IdealDiode", "NoDiode", "PiecewiseDiode", "ShockleyDiode"]
