"""The settings of a fused training: what stays the same during the training, and the learning rates of a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np

from neuroeq.errors import SpecError

from ..circuit import Array, Layer
from ..single_diodes import SingleDiodes

NUDGES = ("state", "held_current")
VARIANTS = {"centred": ((1, -1), (1, 2), 0.5), "positive": ((1,), (1, 0), 1.0), "negative": ((-1,), (0, 1), 1.0)}
"""Signs of beta in the nudged phases; the phases a and b, where 0 is the free one; w."""


class Rates(NamedTuple):
    """Learning rates of the resistor arrays, and of the bias currents of the layers after them; 0 if left out."""

    arrays: Sequence[float]
    biases: Sequence[float] = ()


class Asked(NamedTuple):
    """Free outputs of a batch, (m, n_output) [V]; changes for learning rates of 1, of all arrays, then of currents."""

    outputs: Array
    changes: Sequence[Array]


@dataclass(frozen=True)
class Resistors:
    """The settings of one resistor array.

    Parameters
    ----------
    limits
        Lowest and highest conductance. [S]
    connected
        Which pairs of nodes it connects, as booleans of its shape; None if it connects all.
    l1
        By how much an update lowers what is above 0. [S]
    """

    limits: tuple[float, float] = (0.0, np.inf)
    connected: Array | None = None
    l1: float = 0.0


@dataclass(frozen=True)
class Setting:
    """The settings that do not change during training.

    Parameters
    ----------
    hidden
        The hidden layers, from the sources to the outputs: their diodes, ideal, or Shockley's with at most one at each
        node, and their amplifiers.
    beta
        Strength of the nudge. [S]
    arrays
        The resistor arrays into each hidden layer and into the output; each without limits if left out.
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
    paired
        Whether an output is the difference of two nodes, the n-th of the first and of the second half.
    momentum
        The part of its velocity that an update keeps.

    Raises
    ------
    SpecError
        If a value is not one of those allowed.
    """

    hidden: Sequence[Layer]
    beta: float
    arrays: Sequence[Resistors] = ()
    gain: float = 1.0
    constants: tuple[float, ...] = ()
    variant: Literal["centred", "positive", "negative"] = "centred"
    nudge: Literal["state", "held_current"] = "state"
    sweeps: tuple[int, int] = (4, 4)
    paired: bool = False
    momentum: float = 0.0

    def __post_init__(self) -> None:
        for name, allowed in (("variant", VARIANTS), ("nudge", NUDGES)):
            if getattr(self, name) not in allowed:
                raise SpecError(f"{name} is '{getattr(self, name)}'; expected one of {', '.join(allowed)}.")
        if not self.beta > 0 or min(self.sweeps) < 1:
            raise SpecError(f"beta is {self.beta} and sweeps are {self.sweeps}; expected numbers above 0.")
        if self.paired and self.nudge != "held_current":
            raise SpecError("outputs are paired and nudge is 'state'; expected 'held_current'.")
        if not self.hidden or len(self.arrays) not in (0, len(self.hidden) + 1):
            raise SpecError(
                f"there are {len(self.hidden)} hidden layers and {len(self.arrays)} arrays; expected at least one "
                "layer, and one array more than layers."
            )

    @property
    def resistors(self) -> Sequence[Resistors]:
        """The settings of each array."""
        return self.arrays or [Resistors()] * (len(self.hidden) + 1)


class Amplifiers(NamedTuple):
    """The amplifiers of a hidden layer, which shows gain v + lift and draws a fraction of its output current: (n,)."""

    gain: Array
    back: Array
    lift: Array


class Packed(NamedTuple):
    """The arrays after the first one, `stacked`, the currents of all layers, `side_by_side`, and what belongs to them.

    So kernels are the same for any number of layers.
    """

    later: Array
    currents: Array
    v_later: Array | None
    v_currents: Array | None
    connected: Array | None


class TrainedCircuit(Protocol):
    """The circuit in training, as both implementations read it and change it in place."""

    setting: Setting
    n_input: int
    g: Sequence[Array]
    biases: Sequence[Array]
    velocity: Sequence[Array] | None
    masks: Sequence[Array | None]
    factors: Sequence[float]
    clamps: Sequence[tuple[Array, Array]]
    diodes: Sequence[SingleDiodes | None]
    amplifiers: Sequence[Amplifiers | None]
    packed: Packed

    def rates_of(self, rates: Rates) -> list[float]:
        """Return the learning rates of all arrays, and then of all currents."""
        ...

    def read(self, nodes: Array) -> Array:
        """Return the outputs that voltages of the output nodes stand for."""
        ...
