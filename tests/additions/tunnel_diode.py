"""A tunnel diode, lifted to never fall, as Newton's method needs: I = I_p u (exp(1 - u) + 1/e), u = v/V_p."""

from typing import Literal

import numpy as np

from neuroeq.describe.spec.base import Current, Voltage
from neuroeq.physics.circuits.diodes import DescribedDiode, Expression
from neuroeq.registry import DIODES


@DIODES.register("tunnel")
class TunnelDiode(DescribedDiode):
    model: Literal["tunnel"]
    i_p: Current
    v_p: Voltage

    def current(self, v):
        return self.i_p * v / self.v_p * (np.exp(1 - v / self.v_p) + np.exp(-1))

    def slope(self, v):
        return self.i_p / self.v_p * ((1 - v / self.v_p) * np.exp(1 - v / self.v_p) + np.exp(-1))

    def content(self, v):
        u = v / self.v_p
        return self.i_p * self.v_p * (np.e - (1 + u) * np.exp(1 - u) + u**2 / (2 * np.e))

    def expression(self):
        constants = {"I_p": f"{self.i_p!r} A", "V_p": f"{self.v_p!r} V"}
        return Expression("I_p*DROP/V_p*(exp(1 - DROP/V_p) + exp(-1))", constants)
