"""What a diode pair at a node draws: current, slope and co-content, as functions of the node's voltage.

    i(v) = d(v - high) - d(low - v)        d: the current through one diode, from its anode to its cathode

    none        d = 0
    ideal       no current below 0 V, any current at 0 V: the node stays in [low, high]
    piecewise   d = v / R_off below the threshold, then the slope is 1 / R_on
    shockley    d = I_S (exp(v / (n V_t)) - 1),   V_t = k_B T / q

With ``spice=True`` the Shockley diode is ngspice's: CODATA-2014 constants, 1 pS across the junction, and the cubic
formula in reverse, -I_S (1 + (3 n V_t / (e v))^3) below -3 n V_t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

Array = np.ndarray

BOLTZMANN_OVER_CHARGE = 1.380649e-23 / 1.602176634e-19
"""k_B / q, exact in the SI of 2019. [V/K]"""
SPICE_BOLTZMANN_OVER_CHARGE = 1.38064852e-23 / 1.6021766208e-19
"""k_B / q as ngspice has it (CODATA 2014). [V/K]"""
SPICE_GMIN = 1e-12
"""ngspice's conductance across every junction. [S]"""
LARGEST_EXPONENT = 80.0
"""Of an exponential that float32 still holds."""


class Diode(Protocol):
    """One diode; `drop` is its voltage from anode to cathode."""

    def current(self, drop: Array) -> Array:
        """Return the current from anode to cathode. [A]."""
        ...

    def slope(self, drop: Array) -> Array:
        """Return di/dv. [S]."""
        ...

    def content(self, drop: Array) -> Array:
        """Return the co-content, the integral of the current from 0 to `drop`. [W]."""
        ...

    def drop(self, current: Array) -> Array:
        """Return the drop at a forward current, inf where Newton's method needs no such bound. [V]."""
        ...


@dataclass(frozen=True)
class NoDiode:
    """Nothing."""

    def current(self, drop: Array) -> Array:
        """Return 0."""
        return np.zeros_like(drop)

    slope = content = current

    def drop(self, current: Array) -> Array:
        """Return inf."""
        return np.full_like(current, np.inf)


@dataclass(frozen=True)
class IdealDiode:
    """A perfect valve; nodes are kept in their interval by the solver."""

    current = slope = content = NoDiode.current
    drop = NoDiode.drop


@dataclass(frozen=True)
class PiecewiseDiode:
    """Two straight lines.

    Parameters
    ----------
    threshold
        Where it opens. [V]
    r_on, r_off
        Differential resistance above and below. [ohm]
    """

    threshold: float
    r_on: float
    r_off: float

    def current(self, drop: Array) -> Array:
        """Return the current from anode to cathode. [A]."""
        return drop / self.r_off + np.maximum(drop - self.threshold, 0) * self._step

    def slope(self, drop: Array) -> Array:
        """Return di/dv. [S]."""
        return 1 / self.r_off + (drop > self.threshold) * self._step

    def content(self, drop: Array) -> Array:
        """Return the integral of the current. [W]."""
        over = np.maximum(drop - self.threshold, 0) ** 2 - max(-self.threshold, 0) ** 2
        return drop**2 / (2 * self.r_off) + over * (self._step / 2)

    drop = NoDiode.drop

    @property
    def _step(self) -> float:
        return 1 / self.r_on - 1 / self.r_off


@dataclass(frozen=True)
class ShockleyDiode:
    """A p-n junction; beyond 80 n V_t, far above any operating point, its current goes on along the tangent.

    Parameters
    ----------
    i_s
        Saturation current. [A]
    n
        Emission coefficient.
    temperature
        Of the junction. [K]
    spice
        Whether to use ngspice's constants and formulas.
    """

    i_s: float
    n: float = 1.0
    temperature: float = 300.15
    spice: bool = False

    @property
    def n_vt(self) -> float:
        """The thermal voltage times n. [V]."""
        return self.n * self.temperature * (SPICE_BOLTZMANN_OVER_CHARGE if self.spice else BOLTZMANN_OVER_CHARGE)

    def current(self, drop: Array) -> Array:
        """Return the current from anode to cathode. [A]."""
        exponential, over = self._exponential(drop)
        forward = self.i_s * (exponential * (1 + over) - 1)
        if not self.spice:
            return forward
        reverse, cube = self._reverse(drop)
        return np.where(reverse, -self.i_s * (1 + cube), forward) + SPICE_GMIN * drop

    def slope(self, drop: Array) -> Array:
        """Return di/dv. [S]."""
        forward = self._exponential(drop)[0] * (self.i_s / self.n_vt)
        if not self.spice:
            return forward
        reverse, cube = self._reverse(drop)
        return np.where(reverse, 3 * self.i_s * cube / np.where(reverse, drop, 1), forward) + SPICE_GMIN

    def content(self, drop: Array) -> Array:
        """Return the integral of the current. [W]."""
        exponential, over = self._exponential(drop)
        forward = self.i_s * (self.n_vt * (exponential * (1 + over * (1 + over / 2)) - 1) - drop)
        if not self.spice:
            return forward
        reverse, cube = self._reverse(drop)
        knee = -3 * self.n_vt
        at_knee = self.i_s * (self.n_vt * (np.exp(-3.0) - 1) - knee)
        beyond = at_knee - self.i_s * (drop - knee - cube * drop / 2 - knee / (2 * np.e**3))
        return np.where(reverse, beyond, forward) + SPICE_GMIN / 2 * drop**2

    def drop(self, current: Array) -> Array:
        """Return the drop that a forward current passes. [V]."""
        return self.n_vt * np.log1p(current / self.i_s)

    def _exponential(self, drop: Array) -> tuple[Array, Array]:
        """Return exp(drop / n V_t), held beyond the largest exponent, and by how much that is passed."""
        ratio = drop / self.n_vt
        held = np.minimum(ratio, LARGEST_EXPONENT)
        return np.exp(held), ratio - held

    def _reverse(self, drop: Array) -> tuple[Array, Array]:
        reverse = drop < -3 * self.n_vt
        ratio = np.where(reverse, 3 * self.n_vt / (np.e * np.where(reverse, drop, 1)), 0)
        return reverse, ratio * ratio * ratio  # NumPy's ** 3 takes six times as long
