"""What every diode offers: its current, what solvers need of it, its equation in time and its elements in SPICE.

A pair of diodes at a node draws, from the node's voltage v,

    i(v) = d(v - high) - d(low - v)        d: the current through one diode, from its anode to its cathode

Newton's method needs d to rise with the voltage, so that the co-content, the integral of d, is convex.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from neuroeq.describe.spec.node import Clamp
from neuroeq.errors import SpecError
from neuroeq.units import physical

Array = np.ndarray
NAME = re.compile(r"[A-Za-z_]\w*")
"""A name in an expression."""
DROPS = 1000
"""Drops of either sign at which the steepness of a diode is looked up."""
SHARED_FUNCTIONS = ("abs", "cosh", "exp", "log", "sinh", "sqrt", "tanh")
"""The functions that Brian2 and ngspice both have under the same name."""


@dataclass(frozen=True)
class Expression:
    """The current through a diode as an expression that Brian2 reads.

    Parameters
    ----------
    text
        The expression, in which ``DROP`` stands for the voltage from anode to cathode.
    constants
        The constants that the expression names, each with its unit, such as ``{"I_s": "1e-09 A"}``.
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
            The diode's table in the file, in SI units.
        volt, ampere
            The units of voltage [V] and of current [A] that the diode is to use.
        temperature
            The temperature of the junction. [K]
        """

    @abstractmethod
    def current(self, drop: Array) -> Array:
        """Return the current from anode to cathode [A]."""

    @abstractmethod
    def slope(self, drop: Array) -> Array:
        """Return the derivative of the current in the drop [S]."""

    @abstractmethod
    def content(self, drop: Array) -> Array:
        """Return the co-content, which is the integral of the current from 0 to `drop` [W]."""

    def drop(self, current: Array) -> Array:
        """Return the drop at a forward current, or inf where Newton's method needs no such bound [V]."""
        return np.full_like(current, np.inf)

    def stiffness(self, swing: float, conductance: float) -> float:
        """Return by which factor the diode makes a node faster, at most, when the circuit runs in time.

        That is where the diode is steepest, of all drops at which the resistors can feed its current.

        Parameters
        ----------
        swing
            The largest voltage in the circuit. [V]
        conductance
            The conductance of all resistors at the node. [S]
        """
        drops = np.linspace(-swing, swing, 2 * DROPS + 1)
        with np.errstate(over="ignore"):
            fed = np.abs(self.current(drops)) <= conductance * swing
        return 1 + float(self.slope(drops[fed]).max(initial=0)) / conductance

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
        """Return the lines of SPICE that are this diode: by default a source B of the current in `expression`.

        Parameters
        ----------
        name
            The ending of the names of its elements, which is different for every diode of the netlist.
        anode, cathode
            The nodes it lies between.
        model
            The name of the model that `model_lines` defines.

        Raises
        ------
        SpecError
            If the diode has no expression, or SPICE does not know a function in it.
        """
        try:
            expression = self.expression()
        except SpecError as error:
            raise SpecError(
                f"netlist: there is no SPICE element for {self!r}; give the diode a method element()."
            ) from error
        if expression is None:
            return []
        values = {key: repr(physical(value).value) for key, value in expression.constants.items()}
        values |= {"DROP": f"v({anode},{cathode})"} | {function: function for function in SHARED_FUNCTIONS}
        unknown = sorted(set(NAME.findall(expression.text)) - set(values))
        if unknown:
            raise SpecError(
                f"netlist: there is no SPICE element for {self!r}, since SPICE does not know {', '.join(unknown)} in "
                "its expression; give the diode a method element()."
            )
        return [f"B_{name} {anode} {cathode} i={NAME.sub(lambda found: values[found[0]], expression.text)}"]

    def model_lines(self, model: str) -> list[str]:
        """Return the lines of SPICE that define the model `model`, which all diodes of a layer share."""
        return []


class DescribedDiode(Clamp, Diode):
    """A diode in one class: its fields are the keys of its table in a hardware file, its methods work in SI units."""

    @classmethod
    def of(cls, fields: Any, volt: float, ampere: float, temperature: float) -> Any:
        """Return the diode in the units of a network; the arguments are those of `Diode.of`."""
        return fields if volt == ampere == 1 else ScaledDiode(fields, volt, ampere)


@dataclass(frozen=True)
class ScaledDiode(Diode):
    """A diode in other units than volts and amperes.

    Parameters
    ----------
    diode
        The diode in SI units.
    volt, ampere
        The units of voltage [V] and of current [A].
    """

    diode: Diode
    volt: float
    ampere: float

    @classmethod
    def of(cls, fields: Any, volt: float, ampere: float, temperature: float) -> Self:
        """Return a diode in other units; the arguments are those of `Diode.of`."""
        return cls(fields, volt, ampere)

    def current(self, drop: Array) -> Array:
        """Return the current from anode to cathode [ampere]."""
        return self.diode.current(drop * self.volt) / self.ampere

    def slope(self, drop: Array) -> Array:
        """Return the derivative of the current in the drop [ampere/volt]."""
        return self.diode.slope(drop * self.volt) * (self.volt / self.ampere)

    def content(self, drop: Array) -> Array:
        """Return the integral of the current from 0 to `drop` [ampere volt]."""
        return self.diode.content(drop * self.volt) / (self.volt * self.ampere)

    def drop(self, current: Array) -> Array:
        """Return the drop at a forward current [volt]."""
        return self.diode.drop(current * self.ampere) / self.volt
