"""One pulse in the direction of the change, wherever the change is large enough: the Manhattan rule.

    n = sign(dW)   where |dW| > threshold epsilon

epsilon is the change of a weight that one pulse is worth on average.

Zamanidoost et al. 2015, IEEE 15th Non-Volatile Memory Technology Symposium.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from neuroeq.describe.spec.device import Pulsed, UpdateLaw
from neuroeq.describe.spec.programming import Programmable, Programming

Array = np.ndarray


class SignOfChange(Programming):
    """One pulse a weight and update at most.

    Parameters
    ----------
    scheme
        The name of this scheme, ``"sign"``.
    threshold
        The smallest change that is followed by a pulse, as a fraction of what a pulse is worth.
    """

    scheme: Literal["sign"] = "sign"
    threshold: Annotated[float, Field(ge=0)] = 0.5

    def refusal(self, law: UpdateLaw, unidirectional: bool) -> str | None:
        """Return that only devices with pulses can be pulsed."""
        return None if isinstance(law, Pulsed) else no_pulses(law)

    def update(self, devices: Programmable, change: Array, rng: np.random.Generator) -> None:
        """Pulse once where the change is large; the arguments are those of `Programming.update`."""
        devices.step(np.sign(change) * (np.abs(change) > self.threshold * devices.granularity), rng)


def no_pulses(law: UpdateLaw) -> str:
    """Return the reason why a scheme of pulses refuses devices that are programmed to a conductance."""
    return (
        f"which sends single pulses, and update.model is '{law.model}', which has none; use 'pulses', "
        "'mixed_precision' or 'write_verify'"
    )
