"""Laws that program a conductance: no pulses are simulated, only where a device lands."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from neuroeq.describe.spec.device import Spread, UpdateLaw

Array = np.ndarray


class WriteVerify(UpdateLaw):
    """A device is written and read until it is near its target.

    Parameters
    ----------
    model
        The name of this model, ``"write_verify"``.
    tolerance
        Largest distance from the target at which writing stops, as a fraction of the window; a device lands anywhere
        within it with equal probability.
    """

    model: Literal["write_verify"]
    tolerance: Annotated[float, Field(gt=0, le=1)]

    def landed(self, g: Array, window: float, rng: np.random.Generator) -> Array:
        """Return conductances `g` with a uniform error of up to the tolerance [S]."""
        return g + self.tolerance * window * rng.uniform(-1, 1, g.shape)


class GateCharge(UpdateLaw):
    """Charge on the gate of a transistor, moved in proportion to the change, between two gate voltages.

    Parameters
    ----------
    model
        The name of this model, ``"gate_charge"``.
    bias_sd
        Standard deviation over the devices of a constant extra change at every update, as a fraction of the window.
    """

    model: Literal["gate_charge"]
    bias_sd: Spread = 0.0

    @property
    def exact(self) -> bool:
        """Whether an update always leaves exactly the conductance that was asked for."""
        return not self.bias_sd
