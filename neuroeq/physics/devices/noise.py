"""The difference between a programmed conductance and its target: programming noise, read noise and drift, in siemens.

    polynomial     sd = c0 + c1 g + c2 g^2 + ...   [uS], of g in uS or of g/g_max
    relative       sd = sigma g
    saturating     sd of the current = a (1 - exp(-i/b)),  i = g v_read
    1/f            sd = g q sqrt(ln((t + t_read)/(2 t_read))),  q = min(q0/(g0/g_max)^exponent, q_max)
    power law      g(t) = g0 ((t + t0)/t0)^-nu
    log            g(t) = g0 + slope ln t + noise

g0 is the conductance as programmed, and t counts from there: t0 before the first reading of a drifting device.

Nandakumar et al. 2019, ICECS; Joshi et al. 2020, Nat. Commun. 11:2473; Agrawal et al. 2022, IEDM; Falcone et al.,
arXiv:2502.04524.
"""

from __future__ import annotations

import numpy as np

from neuroeq.describe.spec.noise import (
    Drift,
    LogRelaxation,
    OneOverF,
    Polynomial,
    PowerLaw,
    ProgrammingNoise,
    ReadNoise,
    Relative,
    Saturating,
)

Array = np.ndarray
MICRO = 1e-6


def programming_sd(noise: ProgrammingNoise, g: Array, g_max: float) -> Array:
    """Return the standard deviation of conductances programmed to `g` [S]."""
    match noise:
        case Polynomial(coefficients=coefficients, of=of):
            over = g / MICRO if of == "g_uS" else g / g_max
            return MICRO * np.maximum(np.polynomial.polynomial.polyval(over, coefficients), 0)
        case Relative(sigma=sigma):
            return sigma * np.abs(g)
        case Saturating(a=a, b=b, v_read=v_read):
            return a * -np.expm1(-np.abs(g) * v_read / b) / v_read


def read_sd(noise: ReadNoise, g: Array, g_max: float, t: float, programmed: Array) -> Array:
    """Return the standard deviation of conductances `g` as they are read, at a time after `programmed` was [S]."""
    if not isinstance(noise, OneOverF):
        return programming_sd(noise, g, g_max)
    share = np.maximum(np.abs(programmed) / g_max, 1e-12)
    q = np.minimum(noise.q0 / share**noise.exponent, noise.q_max)
    ratio = (t + noise.t_read) / (2 * noise.t_read)
    return np.abs(g) * q * np.sqrt(max(np.log(ratio), 0.0))


def drifted(drift: Drift, g: Array, g_max: float, t: float, xi: Array) -> Array:
    """Return conductances at a time after programming; xi ~ N(0, 1) is each device's own [S]."""
    if isinstance(drift, LogRelaxation):
        log = np.log(max(t, 1.0))
        return np.maximum(g + drift.mean_slope * log + (drift.sd_slope * log + drift.sd_offset) * xi, 0)
    assert isinstance(drift, PowerLaw)
    share = np.log(np.maximum(g / g_max, 1e-12))
    mean = np.clip(drift.nu_slope * share + drift.nu_offset, drift.nu_low, drift.nu_high)
    sd = np.clip(drift.sd_slope * share + drift.sd_offset, drift.sd_low, drift.sd_high)
    return g * ((t + drift.t0) / drift.t0) ** -(mean + sd * xi)
