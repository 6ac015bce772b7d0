"""Networks of oscillators as hardware: the disorder of the oscillators, and the precision of couplings and read-out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Positive, Spec

Strength = Annotated[float, Field(ge=0, le=100)]
Bits = Annotated[int, Field(ge=0, le=24)]


class Oscillators(Spec):
    """The oscillators of a network, beside their equations.

    Frequencies and rates are in units of 1/tau, the rate at which a coupling of 1 turns a phase: two oscillators with a
    coupling J lock if their natural frequencies differ by less than 2 J.

    Parameters
    ----------
    omega_sd
        Standard deviation of the natural frequencies from their mean, drawn once for each oscillator of a chip.
    phase_noise
        Strength D of white noise of the phase, whose variance grows as 2 D t/tau in an oscillator alone.
    injection
        Strength S of an injection at the second harmonic, which adds to that of the neuron model.
    coupling_bits
        Number of bits of a coupling; 0 for any value.
    coupling_max
        Largest coupling that these bits reach, the same for all projections; the largest of each projection if left
        out.
    phase_bits
        Number of bits that phases are read out with over a whole turn; 0 for exact phases.
    """

    omega_sd: Strength = 0.0
    phase_noise: Strength = 0.0
    injection: Annotated[float, Field(ge=-100, le=100)] = 0.0
    coupling_bits: Bits = 0
    coupling_max: Positive | None = None
    phase_bits: Bits = 0
