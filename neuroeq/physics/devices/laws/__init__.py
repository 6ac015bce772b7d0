"""What an update does to devices: one class per law, found by name in the registry `UPDATE_LAWS`."""

from .cells import Cells, draw_cells, granule, nominal, pulse
from .exponential import ExpStep, NonLinear
from .programmed import GateCharge, WriteVerify
from .steps import ConstantStep, LinearStep, SoftBounds
from .straight import Straight
from .trains import one_by_one, pulses

__all__ = [
    "Cells",
    "ConstantStep",
    "ExpStep",
    "GateCharge",
    "LinearStep",
    "NonLinear",
    "SoftBounds",
    "Straight",
    "WriteVerify",
    "draw_cells",
    "granule",
    "nominal",
    "one_by_one",
    "pulse",
    "pulses",
]
