"""A p-n junction, as Shockley describes it.

    d = I_S(T) (exp(v / (n V_t)) - 1),   V_t = k_B T / q
    I_S(T) = I_S (T/T_0)^(X_TI/n) exp((T/T_0 - 1) E_g / (n V_t)),   T_0 = 300.15 K, that of model cards

The saturation current grows so fast with temperature that the drop at a given current falls by some 2 mV/K.
Antognetti & Massobrio 1988, Semiconductor Device Modeling with SPICE.

With ``spice=True`` it is ngspice's diode: CODATA-2014 constants, 1 pS across the junction, and the cubic formula in
reverse, -I_S (1 + (3 n V_t / (e v))^3) below -3 n V_t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field

from neuroeq.describe.spec.base import Current, Voltage
from neuroeq.describe.spec.node import Clamp
from neuroeq.errors import SpecError

from .diode import Array, Diode, Expression

BOLTZMANN_OVER_CHARGE = 1.380649e-23 / 1.602176634e-19
"""k_B / q, exact in the SI of 2019. [V/K]"""
SPICE_BOLTZMANN_OVER_CHARGE = 1.38064852e-23 / 1.6021766208e-19
"""k_B / q as ngspice has it (CODATA 2014). [V/K]"""
SPICE_GMIN = 1e-12
"""The conductance that ngspice puts across every junction. [S]"""
CARD_TEMPERATURE = 300.15
"""The temperature T_0 at which model cards give the saturation current, 27 C. [K]"""
LARGEST_EXPONENT = 80.0
"""The largest exponent whose exponential float32 still holds."""


class ShockleyClamp(Clamp):
    """Exponential diodes, as a hardware file describes them.

    Parameters
    ----------
    model
        The name of this model, ``"shockley"``.
    i_s
        Saturation current of the junction at 27 C, at most 1 A, which no diode reaches. [A]
    n
        Emission coefficient of the junction, at most 100, which no junction reaches, dimensionless.
    e_g
        Energy gap of the semiconductor over the elementary charge; silicon has 1.11 V. [V]
    xti
        Exponent X_TI of the temperature in the saturation current, dimensionless.
    spice
        Whether constants and the reverse current are exactly ngspice's.
    """

    model: Literal["shockley"]
    i_s: Annotated[Current, Field(gt=0, le=1)]
    n: Annotated[float, Field(gt=0, le=100)] = 1.0
    e_g: Annotated[Voltage, Field(gt=0, le=10)] = 1.11
    xti: Annotated[float, Field(ge=-10, le=10)] = 3.0
    spice: bool = False


@dataclass(frozen=True)
class ShockleyDiode(Diode):
    """A p-n junction; beyond 80 n V_t, far above any operating point, its current goes on along the tangent.

    Parameters
    ----------
    i_s
        Saturation current of the junction at 300.15 K. [A]
    n
        Emission coefficient of the junction, dimensionless.
    temperature
        Temperature of the junction. [K]
    spice
        Whether to use ngspice's constants and formulas.
    e_g
        Energy gap of the semiconductor over the elementary charge. [V]
    xti
        Exponent X_TI of the temperature in the saturation current, dimensionless.
    """

    fields = ShockleyClamp

    i_s: float
    n: float = 1.0
    temperature: float = CARD_TEMPERATURE
    spice: bool = False
    e_g: float = 1.11
    xti: float = 3.0

    @classmethod
    def of(cls, fields: Any, volt: float, ampere: float, temperature: float) -> Self:
        """Return the diode that a hardware file describes; the arguments are those of `Diode.of`."""
        # dividing n by the unit of voltage makes n V_t a number of units, and leaves X_TI / n as it is if X_TI is too
        scaled = {"n": fields.n / volt, "e_g": fields.e_g / volt, "xti": fields.xti / volt}
        return cls(fields.i_s / ampere, temperature=temperature, spice=fields.spice, **scaled)

    @cached_property
    def saturation_current(self) -> float:
        """The saturation current at the temperature of the junction [A]."""
        hotter = self.temperature / CARD_TEMPERATURE
        return self.i_s * hotter ** (self.xti / self.n) * math.exp((hotter - 1) * self.e_g / self.n_vt)

    @property
    def n_vt(self) -> float:
        """The thermal voltage times the emission coefficient [V]."""
        return self.n * self.temperature * (SPICE_BOLTZMANN_OVER_CHARGE if self.spice else BOLTZMANN_OVER_CHARGE)

    def current(self, drop: Array) -> Array:
        """Return the current from anode to cathode [A]."""
        exponential, over = self._exponential(drop)
        forward = self.saturation_current * (exponential * (1 + over) - 1)
        if not self.spice:
            return forward
        reverse, cube = self._reverse(drop)
        return np.where(reverse, -self.saturation_current * (1 + cube), forward) + SPICE_GMIN * drop

    def slope(self, drop: Array) -> Array:
        """Return the derivative of the current in the drop [S]."""
        forward = self._exponential(drop)[0] * (self.saturation_current / self.n_vt)
        if not self.spice:
            return forward
        reverse, cube = self._reverse(drop)
        return np.where(reverse, 3 * self.saturation_current * cube / np.where(reverse, drop, 1), forward) + SPICE_GMIN

    def content(self, drop: Array) -> Array:
        """Return the integral of the current from 0 to `drop` [W]."""
        exponential, over = self._exponential(drop)
        forward = self.saturation_current * (self.n_vt * (exponential * (1 + over * (1 + over / 2)) - 1) - drop)
        if not self.spice:
            return forward
        reverse, cube = self._reverse(drop)
        knee = -3 * self.n_vt
        at_knee = self.saturation_current * (self.n_vt * (np.exp(-3.0) - 1) - knee)
        beyond = at_knee - self.saturation_current * (drop - knee - cube * drop / 2 - knee / (2 * np.e**3))
        return np.where(reverse, beyond, forward) + SPICE_GMIN / 2 * drop**2

    def drop(self, current: Array) -> Array:
        """Return the drop at a forward current [V]."""
        return self.n_vt * np.log1p(current / self.saturation_current)

    def stiffness(self, swing: float, conductance: float) -> float:
        """Return by which factor a conducting diode makes a node faster; the arguments are those of `Diode`."""
        return 1 + swing / self.n_vt

    def expression(self) -> Expression:
        """Return the current as an expression of Brian2.

        Raises
        ------
        SpecError
            If the diode is to be exactly ngspice's.
        """
        if self.spice:
            raise SpecError("hardware.neuron.nonlinearity.spice is true; ngspice's formulas have no equations in time.")
        return Expression(
            "I_s*(exp(DROP/n_vt) - 1)", {"I_s": f"{self.saturation_current!r} A", "n_vt": f"{self.n_vt!r} V"}
        )

    def element(self, name: str, anode: str, cathode: str, model: str) -> list[str]:
        """Return the junction; ngspice itself adds 1 pS across it, and its cubic formula in reverse."""
        return [f"D_{name} {anode} {cathode} {model}"]

    def model_lines(self, model: str) -> list[str]:
        """Return the line of SPICE that defines the model of the junction, as its card gives it at 27 C."""
        card = {"is": self.i_s, "n": self.n, "eg": self.e_g, "xti": self.xti}
        return [f".model {model} d({' '.join(f'{name}={float(value)!r}' for name, value in card.items())})"]

    def _exponential(self, drop: Array) -> tuple[Array, Array]:
        """Return exp(drop / n V_t), at most that of the largest exponent, and by how much the exponent is larger."""
        ratio = drop / self.n_vt
        held = np.minimum(ratio, LARGEST_EXPONENT)
        return np.exp(held), ratio - held

    def _reverse(self, drop: Array) -> tuple[Array, Array]:
        """Return where ngspice's formula for the reverse current holds, and the cube in it."""
        reverse = drop < -3 * self.n_vt
        ratio = np.where(reverse, 3 * self.n_vt / (np.e * np.where(reverse, drop, 1)), 0)
        return reverse, ratio * ratio * ratio  # NumPy's ** 3 takes six times as long
