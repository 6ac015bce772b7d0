"""Changes are collected in digital memory, and a device is pulsed once they are worth a pulse; nothing is read back.

    chi <- chi + dW,    n = trunc(chi/epsilon),    n pulses,    chi <- chi - n epsilon

epsilon is the change of a weight that one pulse is worth on average, the granularity of the device.

Nandakumar et al. 2020, Front. Neurosci. 14:406.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from neuroeq.describe.spec.base import Positive
from neuroeq.describe.spec.programming import Programmable, Programming

Array = np.ndarray


class MixedPrecision(Programming):
    """A digital accumulator for each weight.

    Parameters
    ----------
    scheme
        The name of this scheme, ``"mixed_precision"``.
    granules
        The change that is collected before a device is pulsed, in granules; with more than one, pulses are fewer and
        come in groups.
    """

    scheme: Literal["mixed_precision"] = "mixed_precision"
    granules: Positive = 1.0

    def update(self, devices: Programmable, change: Array, rng: np.random.Generator) -> None:
        """Collect the change, and pulse; the arguments are those of `Programming.update`."""
        collected = devices.memory("accumulator") + change
        size = devices.granularity
        if not size:
            devices.pulse(collected, rng)
            return
        number = collected / size
        number = np.where(np.abs(number) < self.granules, 0.0, np.trunc(number) if devices.pulsed else number)
        number = np.clip(number, -devices.most, devices.most)
        devices.step(number, rng)
        devices.keep("accumulator", collected - number * size)
