"""What is left of a programmed conductance, as a hardware file says it: noise of programming and reading, drift."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from .base import Conductance, Current, Spec, Time, Voltage
from .device import Spread


class Polynomial(Spec):
    """Noise whose standard deviation is a polynomial.

    Parameters
    ----------
    coefficients
        Of the powers 0, 1, 2, ... [uS].
    of
        Of the conductance in uS, or over g_max.
    """

    model: Literal["polynomial"]
    coefficients: tuple[float, ...]
    of: Literal["g_uS", "g_over_gmax"] = "g_uS"


class Relative(Spec):
    """Noise in proportion to the conductance.

    Parameters
    ----------
    sigma
        As a fraction of it.
    """

    model: Literal["relative"]
    sigma: Spread


class Saturating(Spec):
    """Noise of the read current, sd = a (1 - exp(-i/b)), at a read voltage.

    Parameters
    ----------
    a, b
        See there.
    v_read
        The current is that voltage times the conductance.
    """

    model: Literal["saturating_exp_current"]
    a: Annotated[Current, Field(gt=0)]
    b: Annotated[Current, Field(gt=0)]
    v_read: Annotated[Voltage, Field(gt=0)]


class OneOverF(Spec):
    """Noise with a 1/f spectrum: sd = g q sqrt(ln((t + t_read)/(2 t_read))), q = min(q0/(g/g_max)^exponent, q_max).

    Parameters
    ----------
    q0, exponent, q_max
        See there.
    t_read
        How long a read takes.
    """

    model: Literal["one_over_f"]
    q0: Spread
    exponent: float = 0.0
    q_max: Spread
    t_read: Annotated[Time, Field(gt=0)]


def _named(value: object) -> object:
    """Read a table that has nothing but a sigma as relative noise."""
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
        See there.
    nu_slope, nu_offset, nu_low, nu_high
        Mean of nu: clip(nu_slope ln(g/g_max) + nu_offset, nu_low, nu_high).
    sd_slope, sd_offset, sd_low, sd_high
        Its standard deviation, likewise.
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
    """Relaxation in the logarithm of time: mean and standard deviation of the change, t in seconds.

    Parameters
    ----------
    mean_slope
        Of the mean, times ln t.
    sd_slope, sd_offset
        Of the standard deviation: sd_slope ln t + sd_offset.
    """

    model: Literal["log_relaxation"]
    mean_slope: Annotated[Conductance, Field(le=0)]
    sd_slope: Annotated[Conductance, Field(ge=0)] = 0.0
    sd_offset: Annotated[Conductance, Field(ge=0)] = 0.0


Drift = Annotated[PowerLaw | LogRelaxation, Field(discriminator="model")]
