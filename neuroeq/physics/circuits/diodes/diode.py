"""What every diode offers: its current, what solvers need of it, its equation in time and its elements in SPICE.

A pair of diodes at a node draws, from the node's voltage v,

    i(v) = d(v - high) - d(low - v)        d: the current through one diode, from its anode to its cathode

Newton's method needs d to rise with the voltage, so that the co-content, the integral of d, is convex.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from neuroeq.errors import SpecError

Array = np.ndarray


@dataclass(frozen=True)
class Expression:
    """The current through a diode as an expression that Brian2 reads.

    Parameters
    ----------
    text
        The expression, in which ``DROP`` stands for the voltage from anode to cathode.
    constants
        What else it names, by name, each with its unit, such as ``{"I_s": "1e-09 A"}``.
    """

    text: str
    constants: Mapping[str, str]


class Diode(ABC):
    """One diode. Its `drop` is the voltage from its anode to its cathode."""

    fields: ClassVar[Any]
    """The pydantic model of its table in a hardware file, derived from `neuroeq.describe.spec.node.Clamp`."""

    @classmethod
    @abstractmethod
    def of(cls, fields: Any, volt: float, ampere: float, temperature: float) -> Self:
        """Return the diode that a hardware file describes, in the units of a network.

        Parameters
        ----------
        fields
            Its table in the file, in SI units.
        volt, ampere
            The units of voltage [V] and of current [A] that the diode is to use.
        temperature
            The temperature of the junction. [K]
        """

    @abstractmethod
    def current(self, drop: Array) -> Array:
        """Return the current from anode to cathode. [A]."""

    @abstractmethod
    def slope(self, drop: Array) -> Array:
        """Return the derivative of the current in the drop. [S]."""

    @abstractmethod
    def content(self, drop: Array) -> Array:
        """Return the co-content, which is the integral of the current from 0 to `drop`. [W]."""

    def drop(self, current: Array) -> Array:
        """Return the drop at a forward current, or inf where Newton's method needs no such bound. [V]."""
        return np.full_like(current, np.inf)

    def stiffness(self, swing: float, conductance: float) -> float:
        """Return by which factor the diode makes a node faster, at most, when the circuit runs in time.

        Parameters
        ----------
        swing
            The largest voltage in the circuit. [V]
        conductance
            The conductance of all resistors at the node. [S]
        """
        most = min(float(self.drop(np.asarray(conductance * swing))), swing)
        return 1 + float(self.slope(np.linspace(-swing, most, 1001)).max()) / conductance

    def expression(self) -> Expression | None:
        """Return the current as an expression of Brian2, or None if the diode draws no current.

        Raises
        ------
        SpecError
            If the diode does not say it.
        """
        raise SpecError(
            f"diode {self!r} has no equation for Brian2, so its circuit does not run in time; use --engine "
            "operating_point, or give the diode a method expression()."
        )

    def element(self, name: str, anode: str, cathode: str, model: str) -> list[str]:
        """Return the lines of SPICE that are this diode.

        Parameters
        ----------
        name
            What the names of its elements end with, different for every diode of the netlist.
        anode, cathode
            The nodes it lies between.
        model
            The name of the model that `model_lines` defines.

        Raises
        ------
        SpecError
            If the diode does not say it.
        """
        raise SpecError(f"netlist: there is no SPICE element for {self!r}; give the diode a method element().")

    def model_lines(self, model: str) -> list[str]:
        """Return the lines of SPICE that define the model `model`, which all diodes of a layer share."""
        return []
