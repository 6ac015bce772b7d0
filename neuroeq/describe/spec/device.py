"""What a programmable device does: how an update moves it, and how devices fail.

An update law is one class: its fields are the keys of the table ``[synapse.update]``, and its methods are what a device
does. Laws are found by name in the registry `UPDATE_LAWS`. Derive a law that moves a device by pulses from `Pulsed`,
and one that programs a conductance from `UpdateLaw`.

The state of a pulsed device is a number in a `range`, onto which the conductance window is mapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Protocol, Self

import numpy as np
from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from neuroeq.errors import SpecError
from neuroeq.registry import UPDATE_LAWS

from .base import Count, Positive, Spec, Time, Voltage
from .by_name import table_of

Array = np.ndarray
Spread = Annotated[float, Field(ge=0)]
Part = Annotated[float, Field(ge=0, le=1)]


class Limits(Protocol):
    """The limits of the state of each device, as arrays of one shape or as numbers."""

    @property
    def low(self) -> Array | float:
        """The lowest state."""
        ...

    @property
    def high(self) -> Array | float:
        """The highest state."""
        ...


class Pulse(Spec):
    """A programming pulse.

    Parameters
    ----------
    v
        Height of the pulse. [V]
    t
        Width of the pulse. [s]
    """

    v: Voltage
    t: Annotated[Time, Field(gt=0)]


class UpdateLaw(Spec):
    """How a device follows an update: the base class of all laws. This one programs the conductance that is asked for.

    A law also has a field `model`, with its name in the registry `UPDATE_LAWS`.
    """

    if TYPE_CHECKING:
        model: str

    @property
    def exact(self) -> bool:
        """Whether an update always leaves exactly the conductance that was asked for."""
        return False

    def landed(self, g: Array, window: float, rng: np.random.Generator) -> Array:
        """Return where devices land that are programmed to the conductances `g` [S].

        Parameters
        ----------
        g
            The conductances that were asked for, of any shape. [S]
        window
            Width of the conductance window. [S]
        rng
            Random numbers of this update.
        """
        return g


class Direct(UpdateLaw):
    """Every device takes exactly the conductance that is asked for.

    Parameters
    ----------
    model
        The name of this model, ``"direct"``.
    """

    model: Literal["direct"] = "direct"

    @property
    def exact(self) -> bool:
        """Whether an update always leaves exactly the conductance that was asked for: it does."""
        return True


class Pulsed(UpdateLaw):
    """How a pulse moves a device: the base class of laws of pulses, each of which has its own `size`.

    Parameters
    ----------
    range
        Lowest and highest state.
    step
        Size of the step of one pulse, in units of the state.
    up_down
        Asymmetry of the steps: a value above 0 weakens the steps down, a value below 0 the steps up.
    sigma_c2c
        Standard deviation of a step from cycle to cycle, as a fraction of the step.
    write_noise
        Standard deviation of the distance between the state and what acts, as a fraction of the step: it is drawn anew
        when a device is pulsed, stays until its next pulse, and does not add up.
    d2d_step, d2d_min, d2d_max
        Standard deviations from device to device of the step and of the two limits, as fractions of each.
    d2d_step_lognormal
        Whether steps are distributed log-normally from device to device, and not normally.
    d2d_up_down
        Standard deviation of the asymmetry from device to device.
    bias_sd
        Standard deviation over the devices of a constant extra change at every update, as a fraction of the range.
    max_pulses
        Largest number of pulses at one update.
    """

    range: tuple[float, float] = (-1.0, 1.0)
    step: Positive
    up_down: Annotated[float, Field(gt=-1, lt=1)] = 0.0
    sigma_c2c: Spread = 0.0
    write_noise: Spread = 0.0
    d2d_step: Spread = 0.0
    d2d_step_lognormal: bool = False
    d2d_min: Spread = 0.0
    d2d_max: Spread = 0.0
    d2d_up_down: Spread = 0.0
    bias_sd: Spread = 0.0
    max_pulses: Count = 31

    def size(self, limits: Limits, state: Array, up: Array, step: Array, noise: Array | float) -> Array:
        """Return how far one pulse moves each device in the direction of the pulse.

        Parameters
        ----------
        limits
            The lowest and the highest state of each device.
        state
            The states before the pulse, of any shape.
        up
            Whether the pulse is upwards, of the shape of the states.
        step
            The step of each device in that direction, of the shape of the states.
        noise
            Cycle-to-cycle noise, with the standard deviation `sigma_c2c`: 0, or of the shape of the states.

        Raises
        ------
        SpecError
            If the law does not define its own.
        """
        raise SpecError(f"update law '{self.model}' has no method size(); define how far a pulse moves a device.")

    @model_validator(mode="after")
    def _ranged(self) -> Self:
        if self.range[0] >= self.range[1]:
            raise ValueError(f"range is {list(self.range)}; expected [low, high] with low below high")
        return self


class AroundZero(Pulsed):
    """The base class of laws whose steps depend on how far a state is from 0, where the device rests."""

    @model_validator(mode="after")
    def _around(self) -> Self:
        if not self.range[0] < 0 < self.range[1]:
            raise ValueError(f"range is {list(self.range)}; this law needs 0 inside, such as [-1, 1]")
        return self


Update = Annotated[SerializeAsAny[UpdateLaw], BeforeValidator(table_of(UPDATE_LAWS, UpdateLaw))]
"""What an update does: the table of any law in the registry `UPDATE_LAWS`."""


class Faults(Spec):
    """Devices that are stuck.

    Parameters
    ----------
    stuck_at_min, stuck_at_max, stuck_random
        Fractions of all devices that are stuck at the bottom of the window, at its top, and anywhere in it.
    """

    stuck_at_min: Part = 0.0
    stuck_at_max: Part = 0.0
    stuck_random: Part = 0.0

    @model_validator(mode="after")
    def _together(self) -> Self:
        total = self.stuck_at_min + self.stuck_at_max + self.stuck_random
        if total > 1:
            raise ValueError(f"stuck_at_min, stuck_at_max and stuck_random add up to {total:g}; expected 1 at most")
        return self

    @property
    def any(self) -> bool:
        """Whether any device is stuck."""
        return bool(self.stuck_at_min or self.stuck_at_max or self.stuck_random)
