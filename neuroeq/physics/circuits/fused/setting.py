"""The settings of a fused training: what stays the same during the training, and the learning rates of a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np

from neuroeq.errors import SpecError

from ..circuit import Array
from ..diodes import Diode, IdealDiode
from ..single_diodes import SingleDiodes

NUDGES = ("state", "held_current")
VARIANTS = {"centred": ((1, -1), (1, 2), 0.5), "positive": ((1,), (1, 0), 1.0), "negative": ((-1,), (0, 1), 1.0)}
"""Signs of beta in the nudged phases; the phases a and b, where 0 is the free one; w."""


class Rates(NamedTuple):
    """Learning rates of both resistor arrays and of the bias currents."""

    g1: float
    g2: float
    hidden_bias: float = 0.0
    output_bias: float = 0.0


@dataclass(frozen=True)
class Setting:
    """The settings that do not change during training.

    Parameters
    ----------
    low, high
        Interval in which diodes keep the hidden nodes, numbers or (n_hidden,); infinite where there is no diode. [V]
    beta
        Strength of the nudge. [S]
    gain
        Voltage of an input of 1. [V]
    constants
        Voltages of the sources beside the inputs. [V]
    variant
        The phases that are compared: ``"centred"``, ``"positive"`` or ``"negative"``.
    nudge
        ``state``: a conductance to the targets; ``held_current``: a current.
    sweeps
        In the free phase and in the nudged ones.
    diode
        The diode at the hidden nodes: ideal, or Shockley's with at most one at each node.
    paired
        Whether an output is the difference of two nodes, the n-th of the first and of the second half.
    g1_limits, g2_limits
        Lowest and highest conductance of each array. [S]
    g1_connected, g2_connected
        Which pairs of nodes each array connects, as booleans of its shape; None if it connects all.
    momentum
        The part of its velocity that an update keeps.
    l1
        By how much an update lowers what is above 0 of each array. [S]

    Raises
    ------
    SpecError
        If a value is not one of those allowed.
    """

    low: Array | float
    high: Array | float
    beta: float
    gain: float = 1.0
    constants: tuple[float, ...] = ()
    variant: Literal["centred", "positive", "negative"] = "centred"
    nudge: Literal["state", "held_current"] = "state"
    sweeps: tuple[int, int] = (4, 4)
    diode: Diode = field(default_factory=IdealDiode)
    paired: bool = False
    g1_limits: tuple[float, float] = (0.0, np.inf)
    g2_limits: tuple[float, float] = (0.0, np.inf)
    g1_connected: Array | None = None
    g2_connected: Array | None = None
    momentum: float = 0.0
    l1: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        for name, allowed in (("variant", VARIANTS), ("nudge", NUDGES)):
            if getattr(self, name) not in allowed:
                raise SpecError(f"{name} is '{getattr(self, name)}'; expected one of {', '.join(allowed)}.")
        if not self.beta > 0 or min(self.sweeps) < 1:
            raise SpecError(f"beta is {self.beta} and sweeps are {self.sweeps}; expected numbers above 0.")
        if self.paired and self.nudge != "held_current":
            raise SpecError("outputs are paired and nudge is 'state'; expected 'held_current'.")


class TrainedCircuit(Protocol):
    """The circuit in training, as both implementations read it and change it in place."""

    setting: Setting
    n_input: int
    g1: Array
    g2: Array
    hidden_bias: Array
    output_bias: Array
    low: Array
    high: Array
    diodes: SingleDiodes | None
    velocity: tuple[Array, ...] | None
    masks: Sequence[Array | None]

    def read(self, nodes: Array) -> Array:
        """Return the outputs that voltages of the output nodes stand for."""
        ...
