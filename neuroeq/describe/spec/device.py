"""What a programmable device does: how pulses move it, what is left of a target, what it forgets, how it fails.

States of pulsed laws are numbers in a `range`; the conductance window is laid over it.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Count, Positive, Spec, Time, Voltage

Spread = Annotated[float, Field(ge=0)]
Part = Annotated[float, Field(ge=0, le=1)]


class Pulse(Spec):
    """A programming pulse.

    Parameters
    ----------
    v, t
        Its height and width.
    """

    v: Voltage
    t: Annotated[Time, Field(gt=0)]


class Direct(Spec):
    """Whatever is asked for is programmed."""

    model: Literal["direct"] = "direct"


class WriteVerify(Spec):
    """A device is written and read until it is near its target.

    Parameters
    ----------
    tolerance
        How near, as a fraction of the window; where it lands within it is even.
    """

    model: Literal["write_verify"]
    tolerance: Annotated[float, Field(gt=0, le=1)]


class GateCharge(Spec):
    """Charge on the gate of a transistor, moved in proportion to the change, between two gate voltages.

    Parameters
    ----------
    bias_sd
        Of a constant extra change at every update, one for each device, as a fraction of the window.
    """

    model: Literal["gate_charge"]
    bias_sd: Spread = 0.0


class Pulsed(Spec):
    """What pulsed laws share.

    Parameters
    ----------
    range
        Lowest and highest state.
    step
        Of one pulse, in units of the state.
    up_down
        Asymmetry: above 0 weakens steps down, below 0 steps up.
    sigma_c2c
        Cycle to cycle: of a pulse, as a fraction of the step.
    write_noise
        Of the state as it acts, anew at every update, as a fraction of the step.
    d2d_step, d2d_min, d2d_max
        Device to device: of step and limits, as a fraction of each.
    d2d_step_lognormal
        Whether steps spread log-normally.
    d2d_up_down
        Spread of the asymmetry.
    bias_sd
        Of a constant extra change at every update, one for each device, as a fraction of the range.
    max_pulses
        At one update.
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

    @model_validator(mode="after")
    def _ranged(self) -> Self:
        if self.range[0] >= self.range[1]:
            raise ValueError(f"range is {list(self.range)}; expected [low, high] with low below high")
        return self


class ConstantStep(Pulsed):
    """Every pulse is a step."""

    model: Literal["constant_step"]


class _Signed(Pulsed):
    """Laws whose steps depend on how far a state is from 0, where it rests."""

    @model_validator(mode="after")
    def _around(self) -> Self:
        if not self.range[0] < 0 < self.range[1]:
            raise ValueError(f"range is {list(self.range)}; this law needs 0 inside, such as [-1, 1]")
        return self


class LinearStep(_Signed):
    """Steps that shrink linearly towards the limit.

    Parameters
    ----------
    gamma_up, gamma_down
        By how much, in each direction.
    noise
        Whether noise scales with the shrunken step, or the whole one.
    """

    model: Literal["linear_step"]
    gamma_up: float
    gamma_down: float
    noise: Literal["multiplicative", "additive"] = "multiplicative"


class SoftBounds(_Signed):
    """Steps that vanish at the limits.

    Parameters
    ----------
    noise
        Whether noise scales with the shrunken step, or the whole one.
    """

    model: Literal["soft_bounds"]
    noise: Literal["multiplicative", "additive"] = "additive"


class ExpStep(Pulsed):
    """Steps that depend exponentially on the state.

    Parameters
    ----------
    a, b
        Of the exponent z = 2 a w/(w_max - w_min) + b.
    a_up, a_down, gamma_up, gamma_down
        Of max(1 - A exp(gamma z), 0).
    noise_add, noise_slope
        What is added to the step in the noise: a constant, and a part of the state.
    """

    model: Literal["exp_step"]
    a: float
    b: float
    a_up: float
    a_down: float
    gamma_up: float
    gamma_down: float
    noise_add: Spread | None = None
    noise_slope: Spread = 0.0


class NonLinear(Pulsed):
    """Potentiation and depression as exponentials in the number of pulses, as the memristor literature fits them.

    Parameters
    ----------
    nl_up, nl_down
        Curvature of each: g = (1 - exp(-nl p))/(1 - exp(-nl)) after the fraction p of all pulses; 0 is a straight line.
    """

    model: Literal["neurosim_nl"]
    nl_up: float
    nl_down: float


Update = Annotated[
    Direct | WriteVerify | GateCharge | ConstantStep | LinearStep | SoftBounds | ExpStep | NonLinear,
    Field(discriminator="model"),
]


class Faults(Spec):
    """Devices that do not move.

    Parameters
    ----------
    stuck_at_min, stuck_at_max, stuck_random
        Fractions of all devices: at the bottom or top of the window, or anywhere in it.
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
        """Whether there are faults at all."""
        return bool(self.stuck_at_min or self.stuck_at_max or self.stuck_random)
