"""Hardware: what a circuit is made of, in real units, laid under a network's own dimensionless ones."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import (
    Capacitance,
    Conductance,
    Current,
    Described,
    Energy,
    Positive,
    Power,
    Resistance,
    Spec,
    Temperature,
    Time,
    Voltage,
)

DEFAULT_R_F = 1e5
"""Feedback resistance where no window asks for another: weight 1 is then 10 uS. [ohm]"""


class Synapse(Spec):
    """Programmable conductances.

    Parameters
    ----------
    g_min, g_max
        The window that conductances are kept in; no upper limit if g_max is left out.
    """

    g_min: Annotated[Conductance, Field(ge=0)] = 0.0
    g_max: Annotated[Conductance, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.g_max is not None and self.g_max <= self.g_min:
            raise ValueError(f"g_max ({self.g_max:g} S) must be above g_min ({self.g_min:g} S)")
        return self


class _Clamped(Spec):
    """Diodes from a node to bias sources: above v_bias_up, and below v_bias_down."""

    v_bias_up: Voltage = 0.0
    v_bias_down: Voltage = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.v_bias_up < self.v_bias_down:
            raise ValueError(
                f"v_bias_up ({self.v_bias_up:g} V) is below v_bias_down ({self.v_bias_down:g} V), which shorts the "
                "bias sources through the diodes; raise it"
            )
        return self


class NoClamp(Spec):
    """Linear nodes."""

    model: Literal["none"]


class IdealClamp(_Clamped):
    """Ideal diodes: no drop, no leakage."""

    model: Literal["ideal"]


class PiecewiseClamp(_Clamped):
    """Diodes of two straight lines.

    Parameters
    ----------
    threshold
        Where they open.
    r_on, r_off
        Differential resistance above and below.
    """

    model: Literal["piecewise"]
    threshold: Voltage
    r_on: Annotated[Resistance, Field(gt=0)]
    r_off: Annotated[Resistance, Field(gt=0)]


class ShockleyClamp(_Clamped):
    """Exponential diodes.

    Parameters
    ----------
    i_s
        Saturation current.
    n
        Emission coefficient.
    spice
        Whether constants and the reverse current are exactly ngspice's.
    """

    model: Literal["shockley"]
    i_s: Annotated[Current, Field(gt=0)]
    n: Positive = 1.0
    spice: bool = False


Clamp = Annotated[NoClamp | IdealClamp | PiecewiseClamp | ShockleyClamp, Field(discriminator="model")]


class Amplifier(Spec):
    """A bidirectional amplifier behind each hidden node.

    Parameters
    ----------
    gain
        Forward voltage gain.
    back_gain
        Fraction of the output current that is drawn from the node.
    power
        Quiescent power of one.
    """

    gain: Positive
    back_gain: Positive
    power: Annotated[Power, Field(ge=0)] = 0.0


class Integrator(Spec):
    """The op-amp integrator of a crossbar's neuron.

    Parameters
    ----------
    r_f
        Feedback resistor; chosen so that weights up to `w_max` fit the conductance window if left out.
    w_max
        Largest weight that the choice makes room for.
    c_f
        Feedback capacitor.
    v_scale
        The voltage that stands for activity 1.
    power
        Quiescent power of one.
    """

    r_f: Annotated[Resistance, Field(gt=0)] | None = None
    w_max: Positive = 2.0
    c_f: Annotated[Capacitance, Field(gt=0)] = 1e-12
    v_scale: Annotated[Voltage, Field(gt=0)] = 1.0
    power: Annotated[Power, Field(ge=0)] = 0.0


class Neuron(Spec):
    """Nodes.

    Parameters
    ----------
    nonlinearity
        Diodes at hidden nodes.
    amplifier
        Behind hidden nodes; none if left out.
    integrator
        Of a crossbar.
    c_node
        Capacitance of a node to ground.
    """

    nonlinearity: Clamp = IdealClamp(model="ideal")
    amplifier: Amplifier | None = None
    integrator: Integrator = Integrator()
    c_node: Annotated[Capacitance, Field(gt=0)] = 1e-12


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
    """

    r_wire_row: Annotated[Resistance, Field(ge=0)] = 0.0
    r_wire_col: Annotated[Resistance, Field(ge=0)] = 0.0
    r_source: Annotated[Resistance, Field(ge=0)] = 0.0
    r_sense: Annotated[Resistance, Field(ge=0)] = 0.0
    max_rows: Annotated[int, Field(gt=0)] | None = None
    max_cols: Annotated[int, Field(gt=0)] | None = None


class Periphery(Spec):
    """What stands around the array, as far as energy is concerned.

    Parameters
    ----------
    phase_time
        How long the voltages of a phase are held.
    dac_energy, adc_energy
        Of one conversion.
    write_energy
        Of one programming pulse.
    """

    phase_time: Annotated[Time, Field(gt=0)] = 1e-6
    dac_energy: Annotated[Energy, Field(ge=0)] = 0.0
    adc_energy: Annotated[Energy, Field(ge=0)] = 0.0
    write_energy: Annotated[Energy, Field(ge=0)] = 0.0


class Evidence(Spec):
    """Where numbers come from.

    Parameters
    ----------
    keys
        Dotted paths of the file.
    kind
        ``measured``, ``fit``, ``derived`` or ``assumed``.
    cite
        The source.
    """

    keys: tuple[str, ...]
    kind: Literal["measured", "fit", "derived", "assumed"]
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
        given, window = self.neuron.integrator, self.synapse
        if given.r_f is not None:
            return given.r_f
        return DEFAULT_R_F if window.g_max is None else given.w_max / (window.g_max - window.g_min)

    @property
    def w_max(self) -> float:
        """Largest weight that a differential pair of a crossbar can hold; infinite without a window."""
        window = self.synapse
        return float("inf") if window.g_max is None else self.r_f * (window.g_max - window.g_min)

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
