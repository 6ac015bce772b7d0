"""A programming scheme that sends the nearest whole number of pulses, and forgets the rest of the change."""

from typing import Literal

import numpy as np

from neuroeq.describe.spec.programming import Programming
from neuroeq.registry import PROGRAMMING


@PROGRAMMING.register("nearest_pulse")
class NearestPulse(Programming):
    scheme: Literal["nearest_pulse"] = "nearest_pulse"

    def update(self, devices, change, rng):
        devices.step(np.round(change / devices.granularity), rng)
