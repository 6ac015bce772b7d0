"""Nodes without diodes, and ideal diodes, for which solvers keep the node's voltage in its interval.

none     d = 0
ideal    no current below 0 V, any current at 0 V: the node stays in [low, high]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from neuroeq.describe.spec.node import IdealClamp, NoClamp

from .diode import Array, Diode

IDEAL_RESISTANCE = 1e-5
"""Resistance of the SPICE element for an ideal diode that conducts; ngspice converges badly below 1e-6. [ohm]"""


class _WithoutCurrent(Diode):
    """The base of both, which draw no current that depends on the drop."""

    @classmethod
    def of(cls, fields: Any, volt: float, ampere: float, temperature: float) -> Self:
        """Return the one such diode; the arguments are those of `Diode.of`."""
        return cls()

    def current(self, drop: Array) -> Array:
        """Return 0 for every drop [A]."""
        return np.zeros_like(drop)

    slope = content = current

    def stiffness(self, swing: float, conductance: float) -> float:
        """Return 1: nodes are as fast as without diodes."""
        return 1.0

    def expression(self) -> None:
        """Return None, because there is no such current."""
        return None


@dataclass(frozen=True)
class NoDiode(_WithoutCurrent):
    """The absence of a diode."""

    fields = NoClamp

    def element(self, name: str, anode: str, cathode: str, model: str) -> list[str]:
        """Return no lines of SPICE."""
        return []


@dataclass(frozen=True)
class IdealDiode(_WithoutCurrent):
    """A perfect valve; the solver keeps nodes in their interval."""

    fields = IdealClamp

    def element(self, name: str, anode: str, cathode: str, model: str) -> list[str]:
        """Return a source of current that conducts forwards only: a node leaves its interval by 10 pV per uA."""
        return [f"B_{name} {anode} {cathode} i=uramp(v({anode},{cathode}))/{IDEAL_RESISTANCE!r}"]
