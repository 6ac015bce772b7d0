"""The only code that builds and runs Brian2 objects."""

from .assembly import time_step
from .brian import TARGETS, can_compile, use_target
from .equations.field import Field
from .memory import Resume
from .plasticity.accumulator import Accumulator, Plasticity
from .plasticity.plan import met_by
from .recording import Recording
from .simulation import ENGINES, Simulation
from .strength import reads_strength, strength

__all__ = [
    "ENGINES",
    "TARGETS",
    "Accumulator",
    "Field",
    "Plasticity",
    "Recording",
    "Resume",
    "Simulation",
    "can_compile",
    "met_by",
    "reads_strength",
    "strength",
    "time_step",
    "use_target",
]
