"""Hardware: what a circuit is made of, in real units, laid under a network's own dimensionless ones."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Current, Described, Energy, Resistance, Spec, Temperature, Time, Voltage
from .node import Neuron
from .synapse import Synapse

DEFAULT_R_F = 1e5
"""Feedback resistance where no window asks for another: weight 1 is then 10 uS. [ohm]"""


class Array(Spec):
    """Wires of a crossbar.

    Parameters
    ----------
    r_wire_row, r_wire_col
        Of the wire between two neighbouring cells.
    r_source, r_sense
        At the driven and at the sensed end of each wire.
    max_rows, max_cols
        Of a tile; larger arrays are cut into tiles.
    phase_mismatch
        Spread of every conductance in a second circuit, as a fraction, if phases that are compared run on two: that of
        +beta beside the others. One circuit, shared in time, has none.
    """

    r_wire_row: Annotated[Resistance, Field(ge=0)] = 0.0
    r_wire_col: Annotated[Resistance, Field(ge=0)] = 0.0
    r_source: Annotated[Resistance, Field(ge=0)] = 0.0
    r_sense: Annotated[Resistance, Field(ge=0)] = 0.0
    max_rows: Annotated[int, Field(gt=0)] | None = None
    max_cols: Annotated[int, Field(gt=0)] | None = None
    phase_mismatch: Annotated[float, Field(ge=0)] = 0.0

    @property
    def wired(self) -> bool:
        """Whether wires or ends have resistance."""
        return bool(self.r_wire_row or self.r_wire_col or self.r_source or self.r_sense)


class NudgeSource(Spec):
    """What drives a nudge current into each output.

    Parameters
    ----------
    bits
        Of its converter; 0 for ideal.
    i_max
        Largest current, either sign; the full scale of the converter.
    offset_sd
        Of a constant current at each output.
    """

    bits: Annotated[int, Field(ge=0, le=24)] = 0
    i_max: Annotated[Current, Field(gt=0)] | None = None
    offset_sd: Annotated[Current, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _scaled(self) -> Self:
        if self.bits and self.i_max is None:
            raise ValueError(f"bits is {self.bits} without i_max; give the full scale")
        return self


class Periphery(Spec):
    """What stands around the array: converters, and what they cost.

    Parameters
    ----------
    dac_bits, adc_bits
        Of the converters that drive inputs and read nodes; 0 for ideal ones.
    dac_full_scale, adc_full_scale
        Their largest voltage, either sign.
    adc_noise_sd, adc_offset_sd
        Noise of every reading, and a constant offset at every node.
    nudge
        What drives nudge currents.
    phase_time
        How long the voltages of a phase are held.
    dac_energy, adc_energy
        Of one conversion.
    write_energy
        Of programming one device once; every update is counted as one.
    """

    dac_bits: Annotated[int, Field(ge=0, le=24)] = 0
    adc_bits: Annotated[int, Field(ge=0, le=24)] = 0
    dac_full_scale: Annotated[Voltage, Field(gt=0)] = 2.0
    adc_full_scale: Annotated[Voltage, Field(gt=0)] = 2.0
    adc_noise_sd: Annotated[Voltage, Field(ge=0)] = 0.0
    adc_offset_sd: Annotated[Voltage, Field(ge=0)] = 0.0
    nudge: NudgeSource = NudgeSource()
    phase_time: Annotated[Time, Field(gt=0)] = 1e-6
    dac_energy: Annotated[Energy, Field(ge=0)] = 0.0
    adc_energy: Annotated[Energy, Field(ge=0)] = 0.0
    write_energy: Annotated[Energy, Field(ge=0)] = 0.0

    @property
    def ideal(self) -> bool:
        """Whether voltages and currents are driven and read as they should be."""
        read = self.dac_bits or self.adc_bits or self.adc_noise_sd or self.adc_offset_sd
        return not (read or self.nudge.bits or self.nudge.i_max or self.nudge.offset_sd)


class Evidence(Spec):
    """Where numbers come from.

    Parameters
    ----------
    keys
        Dotted paths of the file.
    kind
        ``measured``, ``fit``, ``derived`` or ``assumed``.
    checked
        Against what: code, a copy of the paper, an abstract, from memory, or nothing.
    cite
        The source.
    """

    keys: tuple[str, ...]
    kind: Literal["measured", "fit", "derived", "assumed"]
    checked: Literal["code", "paper-copy", "abstract", "recalled", "none"] = "none"
    cite: str


class Hardware(Described):
    """A technology, as a file describes it.

    Parameters
    ----------
    temperature
        Of the diodes.
    synapse, neuron, array, periphery
        See there.
    evidence
        For every number that is not a default.
    """

    temperature: Annotated[Temperature, Field(gt=0)] = 300.15
    synapse: Synapse = Synapse()
    neuron: Neuron = Neuron()
    array: Array = Array()
    periphery: Periphery = Periphery()
    evidence: tuple[Evidence, ...] = ()

    @property
    def r_f(self) -> float:
        """Feedback resistance of a crossbar's integrators: as given, or such that weights up to w_max fit. [ohm]."""
        given = self.neuron.integrator
        if given.r_f is not None:
            return given.r_f
        return DEFAULT_R_F if self.g_max is None else given.w_max / self.swing

    @property
    def w_max(self) -> float:
        """Largest weight that a differential pair of a crossbar can hold; infinite without a window."""
        return float("inf") if self.g_max is None else self.r_f * self.swing

    @property
    def g_min(self) -> float:
        """Lowest conductance of a device. [S]."""
        synapse = self.synapse
        if synapse.element == "capacitor":
            return (synapse.c_min or 0.0) / self.periphery.phase_time
        if synapse.element == "mosfet":
            return max(0.0, (synapse.beta or 0.0) * ((synapse.v_gate_min or 0.0) - (synapse.v_th or 0.0)))
        return synapse.g_min

    @property
    def g_max(self) -> float | None:
        """Highest conductance of a device; None for no limit. [S]."""
        synapse = self.synapse
        if synapse.element == "capacitor":
            return (synapse.c_max or 0.0) / self.periphery.phase_time
        if synapse.element == "mosfet":
            return (synapse.beta or 0.0) * ((synapse.v_gate_max or 0.0) - (synapse.v_th or 0.0))
        return synapse.g_max

    @property
    def swing(self) -> float:
        """How far the conductance of a weight reaches, either sign: half the window against a reference."""
        assert self.g_max is not None
        whole = self.g_max - self.g_min
        return whole / 2 if self.synapse.pairing == "reference_column" else whole

    @model_validator(mode="after")
    def _keys(self) -> Self:
        for evidence in self.evidence:
            for key in evidence.keys:
                if not _has(self, key):
                    raise ValueError(f"evidence.keys names '{key}', which the file does not have; correct or remove it")
        return self


def _has(spec: object, key: str) -> bool:
    for part in key.split("."):
        if part not in getattr(type(spec), "model_fields", {}):
            return False
        spec = getattr(spec, part)
    return spec is not None
