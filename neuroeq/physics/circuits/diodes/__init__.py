"""The diodes at the nodes of a circuit: one class per diode, found by name in the registry `DIODES`."""

from .diode import DescribedDiode, Diode, Expression
from .ideal import IdealDiode, NoDiode
from .piecewise import PiecewiseDiode
from .shockley import ShockleyDiode

__all__ = ["DescribedDiode", "Diode", "Expression", "IdealDiode", "NoDiode", "PiecewiseDiode", "ShockleyDiode"]
