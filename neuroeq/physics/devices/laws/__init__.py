"""What an update does to devices: one class per law, found by name in the registry `UPDATE_LAWS`."""

from .cells import Cells, draw_cells, granule, nominal, pulse, pulses
from .exponential import ExpStep, NonLinear
from .programmed import GateCharge, WriteVerify
from .steps import ConstantStep, LinearStep, SoftBounds

__all__ = [
    "Cells",
    "ConstantStep",
    "ExpStep",
    "GateCharge",
    "LinearStep",
    "NonLinear",
    "SoftBounds",
    "WriteVerify",
    "draw_cells",
    "granule",
    "nominal",
    "pulse",
    "pulses",
]
