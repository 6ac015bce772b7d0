"""How a programmed conductance deviates from its target: programming noise, read noise and drift."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from .base import Conductance, Current, Spec, Time, Voltage
from .device import Spread


class Polynomial(Spec):
    """Noise whose standard deviation is a polynomial of the conductance.

    Parameters
    ----------
    coefficients
        Coefficients of the powers 0, 1, 2, ... of the conductance; the polynomial is a standard deviation. [uS]
    of
        Whether the polynomial takes the conductance in microsiemens, or as a fraction of g_max.
    """

    model: Literal["polynomial"]
    coefficients: tuple[float, ...]
    of: Literal["g_uS", "g_over_gmax"] = "g_uS"


class Relative(Spec):
    """Noise in proportion to the conductance.

    Parameters
    ----------
    sigma
        Standard deviation, as a fraction of the conductance.
    """

    model: Literal["relative"]
    sigma: Spread


class Saturating(Spec):
    """Noise of the read current i, with standard deviation a (1 - exp(-i/b)).

    Parameters
    ----------
    a
        Standard deviation that the noise approaches at large currents. [A]
    b
        Current at which the noise begins to saturate. [A]
    v_read
        Voltage of the read; the read current is this voltage times the conductance. [V]
    """

    model: Literal["saturating_exp_current"]
    a: Annotated[Current, Field(gt=0)]
    b: Annotated[Current, Field(gt=0)]
    v_read: Annotated[Voltage, Field(gt=0)]


class OneOverF(Spec):
    """Noise with a 1/f spectrum: sd = g q sqrt(ln((t + t_read)/(2 t_read))), q = min(q0/(g/g_max)^exponent, q_max).

    Parameters
    ----------
    q0
        Relative strength q of the noise at the conductance g_max.
    exponent
        How fast the relative strength grows towards small conductances.
    q_max
        Upper limit of the relative strength.
    t_read
        How long a read takes. [s]
    """

    model: Literal["one_over_f"]
    q0: Spread
    exponent: float = 0.0
    q_max: Spread
    t_read: Annotated[Time, Field(gt=0)]


def _named(value: object) -> object:
    """Read a table that holds only a sigma as relative noise."""
    return {"model": "relative", **value} if isinstance(value, dict) and set(value) == {"sigma"} else value


ProgrammingNoise = Annotated[
    Annotated[Polynomial | Relative | Saturating, Field(discriminator="model")], BeforeValidator(_named)
]
ReadNoise = Annotated[
    Annotated[Polynomial | Relative | Saturating | OneOverF, Field(discriminator="model")], BeforeValidator(_named)
]


class PowerLaw(Spec):
    """Drift g(t) = g0 ((t + t0)/t0)^-nu, with nu from a normal distribution that depends on g/g_max.

    Parameters
    ----------
    t0
        Time constant t0 of the power law. [s]
    nu_slope, nu_offset, nu_low, nu_high
        The mean of nu is clip(nu_slope ln(g/g_max) + nu_offset, nu_low, nu_high).
    sd_slope, sd_offset, sd_low, sd_high
        The standard deviation of nu is clip(sd_slope ln(g/g_max) + sd_offset, sd_low, sd_high).
    """

    model: Literal["power_law"]
    t0: Annotated[Time, Field(gt=0)]
    nu_slope: float = 0.0
    nu_offset: float
    nu_low: float = 0.0
    nu_high: float = 1.0
    sd_slope: float = 0.0
    sd_offset: float = 0.0
    sd_low: Spread = 0.0
    sd_high: Spread = 1.0


class LogRelaxation(Spec):
    """Relaxation whose mean and standard deviation are linear in ln t, where t is in seconds.

    Parameters
    ----------
    mean_slope
        The mean change of the conductance is mean_slope ln t. [S]
    sd_slope, sd_offset
        The standard deviation of the change is sd_slope ln t + sd_offset. [S]
    """

    model: Literal["log_relaxation"]
    mean_slope: Annotated[Conductance, Field(le=0)]
    sd_slope: Annotated[Conductance, Field(ge=0)] = 0.0
    sd_offset: Annotated[Conductance, Field(ge=0)] = 0.0


Drift = Annotated[PowerLaw | LogRelaxation, Field(discriminator="model")]
