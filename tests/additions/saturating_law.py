"""An update law whose steps shrink quadratically towards a saturation at w_max of either sign: s (1 - |w|/w_max)^2."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from neuroeq.describe.spec.device import Pulsed
from neuroeq.registry import UPDATE_LAWS


@UPDATE_LAWS.register("saturating")
class Saturating(Pulsed):
    model: Literal["saturating"]
    w_max: Annotated[float, Field(gt=0)] = 1.0

    def size(self, limits, state, up, step, noise):
        return step * (1 - np.abs(state) / self.w_max) ** 2 * (1 + noise)
