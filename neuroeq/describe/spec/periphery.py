"""The converters around the arrays of a circuit, and what conversions, phases and pulses take in time and energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from neuroeq.errors import SpecError, given
from neuroeq.units import si, text_of

from .base import Conductance, Count, Current, Energy, Positive, Spec, Time, Voltage

PHASE_TIME = 1e-6
"""Time of a phase that stands in the conductance of capacitors and in the leak of devices, if none is given. [s]"""


class NudgeSource(Spec):
    """The source that drives a nudge current into each output.

    Parameters
    ----------
    bits
        Resolution of the source's converter in bits; 0 for an ideal one.
    i_max
        Largest current of either sign, which is the full scale of the converter. [A]
    offset_sd
        Standard deviation over the outputs of a constant offset current. [A]
    beta
        Strength of the nudge of a crossbar that converters and noisy devices resolve, in the place of the network's,
        unless a user changes phases.beta.
    conductance
        The same for a resistor network, where a nudge is a conductance. [S]
    """

    bits: Annotated[int, Field(ge=0, le=24)] = 0
    i_max: Annotated[Current, Field(gt=0)] | None = None
    offset_sd: Annotated[Current, Field(ge=0)] = 0.0
    beta: Annotated[float, Field(gt=0)] | None = None
    conductance: Annotated[Conductance, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _scaled(self) -> Self:
        if self.bits and self.i_max is None:
            raise ValueError(f"bits is {self.bits} without i_max; give the full scale")
        return self


def _full_scale(value: object) -> object:
    """Read the full scale of the converters that read nodes: one for all layers, one for each, or "calibrated"."""
    if value == "calibrated":
        return value
    if isinstance(value, Mapping) and value:
        return {str(layer): _positive(volts) for layer, volts in value.items()}
    return _positive(value)


def _positive(value: object) -> float:
    try:
        volts = si(value, "a voltage")
    except SpecError:
        volts = 0.0
    if volts <= 0:
        raise ValueError(
            f"is {given(value)}; expected a voltage above 0, such as '1 V', a table of one for each layer, or "
            "'calibrated'"
        )
    return volts


def _full_scale_text(value: float | str | Mapping[str, float]) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {layer: text_of(volts, "V") for layer, volts in value.items()}
    return text_of(value, "V")


FullScale = Annotated[
    float | Literal["calibrated"] | dict[str, float], BeforeValidator(_full_scale), PlainSerializer(_full_scale_text)
]
"""The largest voltage of either sign that converters read."""


class Periphery(Spec):
    """The converters around the array, their times and their energies.

    Times and energies that are left out are not given: what they stand for is in no total, and reported as missing.

    Parameters
    ----------
    dac_bits, adc_bits
        Resolution in bits of the converters that drive inputs and that read nodes; 0 for ideal converters.
    dac_full_scale, adc_full_scale
        Largest voltage of either sign that the converters drive and read; if left out, the largest that inputs of 1
        ask for, and the voltage that stands for 1. What is read may have one for each layer, in a table, or
        ``"calibrated"``: each layer's own, found from what its converters see in free phases. [V]
    calibration_samples, calibration_quantile
        How many training samples are seen for that, from the first on, before every epoch; and the quantile of the
        voltages, without their signs, that becomes the full scale of a layer: their largest, if it is 1.
    adc_noise_sd, adc_offset_sd
        Standard deviations of the noise of every reading, and of a constant offset at every node. [V]
    nudge
        The source that drives nudge currents.
    phase_time
        How long the voltages of a phase are held in a resistor network; as long as it takes to settle if left out. [s]
    time_constants
        How many time constants of its slowest mode a resistor network settles for, if `phase_time` is left out.
    dac_time, adc_time
        Time of one conversion by each kind of converter; a device is read by one conversion of the second kind. [s]
    dac_energy, adc_energy
        Energy of one such conversion. [J]
    write_time, write_energy
        Duration and energy of one pulse, or of programming a device to a conductance once. [s], [J]
    """

    dac_bits: Annotated[int, Field(ge=0, le=24)] = 0
    adc_bits: Annotated[int, Field(ge=0, le=24)] = 0
    dac_full_scale: Annotated[Voltage, Field(gt=0)] | None = None
    adc_full_scale: FullScale | None = None
    calibration_samples: Count = 256
    calibration_quantile: Annotated[float, Field(gt=0, le=1)] = 1.0
    adc_noise_sd: Annotated[Voltage, Field(ge=0)] = 0.0
    adc_offset_sd: Annotated[Voltage, Field(ge=0)] = 0.0
    nudge: NudgeSource = NudgeSource()
    phase_time: Annotated[Time, Field(gt=0)] | None = None
    time_constants: Positive = 10.0
    dac_time: Annotated[Time, Field(ge=0)] | None = None
    adc_time: Annotated[Time, Field(ge=0)] | None = None
    write_time: Annotated[Time, Field(ge=0)] | None = None
    dac_energy: Annotated[Energy, Field(ge=0)] | None = None
    adc_energy: Annotated[Energy, Field(ge=0)] | None = None
    write_energy: Annotated[Energy, Field(ge=0)] | None = None

    @property
    def nominal_phase_time(self) -> float:
        """Time of a phase for capacitors, whose conductance it scales, and for devices that leak [s]."""
        return PHASE_TIME if self.phase_time is None else self.phase_time

    @property
    def calibrated(self) -> bool:
        """Whether there are converters whose full scales have to be found first."""
        return bool(self.adc_bits) and self.adc_full_scale == "calibrated"

    @property
    def has_voltages(self) -> bool:
        """Whether converters of a resistor network have voltages of their own, beside those that its inputs ask for."""
        read = self.adc_bits and self.adc_full_scale not in (None, "calibrated")
        ranges = read or (self.dac_bits and self.dac_full_scale)
        return bool(ranges or self.adc_noise_sd or self.adc_offset_sd or self.nudge.i_max or self.nudge.offset_sd)

    @property
    def ideal(self) -> bool:
        """Whether voltages and nudge currents are driven and read without error."""
        read = self.dac_bits or self.adc_bits or self.adc_noise_sd or self.adc_offset_sd
        return not (read or self.nudge.bits or self.nudge.i_max or self.nudge.offset_sd)
