"""A diode of two straight lines.

d = v / R_off below the threshold, and above it the slope is 1 / R_on
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field

from neuroeq.describe.spec.base import Resistance, Voltage
from neuroeq.describe.spec.node import Clamp

from .diode import Array, Diode, Expression


class PiecewiseClamp(Clamp):
    """Diodes of two straight lines, as a hardware file describes them.

    Parameters
    ----------
    model
        The name of this model, ``"piecewise"``.
    threshold
        Voltage at which they open. [V]
    r_on, r_off
        Differential resistance above the threshold and below it. [ohm]
    """

    model: Literal["piecewise"]
    threshold: Voltage
    r_on: Annotated[Resistance, Field(gt=0)]
    r_off: Annotated[Resistance, Field(gt=0)]


@dataclass(frozen=True)
class PiecewiseDiode(Diode):
    """A diode of two straight lines.

    Parameters
    ----------
    threshold
        Voltage at which it opens. [V]
    r_on, r_off
        Differential resistance above the threshold and below it. [ohm]
    """

    fields = PiecewiseClamp

    threshold: float
    r_on: float
    r_off: float

    @classmethod
    def of(cls, fields: Any, volt: float, ampere: float, temperature: float) -> Self:
        """Return the diode that a hardware file describes; the arguments are those of `Diode.of`."""
        ohm = volt / ampere
        return cls(fields.threshold / volt, fields.r_on / ohm, fields.r_off / ohm)

    def current(self, drop: Array) -> Array:
        """Return the current from anode to cathode [A]."""
        return drop / self.r_off + np.maximum(drop - self.threshold, 0) * self._step

    def slope(self, drop: Array) -> Array:
        """Return the derivative of the current in the drop [S]."""
        return 1 / self.r_off + (drop > self.threshold) * self._step

    def content(self, drop: Array) -> Array:
        """Return the integral of the current from 0 to `drop` [W]."""
        over = np.maximum(drop - self.threshold, 0) ** 2 - max(-self.threshold, 0) ** 2
        return drop**2 / (2 * self.r_off) + over * (self._step / 2)

    def stiffness(self, swing: float, conductance: float) -> float:
        """Return by which factor a conducting diode makes a node faster; the arguments are those of `Diode`."""
        return 1 + 1 / (self.r_on * conductance)

    def expression(self) -> Expression:
        """Return the current as an expression of Brian2."""
        constants = {"threshold": f"{self.threshold!r} V", "R_on": f"{self.r_on!r} ohm", "R_off": f"{self.r_off!r} ohm"}
        return Expression("DROP/R_off + (DROP - threshold)*int(DROP > threshold)*(1/R_on - 1/R_off)", constants)

    def element(self, name: str, anode: str, cathode: str, model: str) -> list[str]:
        """Return a source of current, I = v / R_off + max(v - threshold, 0) (1 / R_on - 1 / R_off)."""
        drop, below, step = f"v({anode},{cathode})", float(1 / self.r_off), float(self._step)
        return [f"B_{name} {anode} {cathode} i={drop}*{below!r}+uramp({drop}-({float(self.threshold)!r}))*({step!r})"]

    @property
    def _step(self) -> float:
        return 1 / self.r_on - 1 / self.r_off
