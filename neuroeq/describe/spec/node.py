"""The nodes of a circuit, as a hardware file describes them: diodes, amplifiers, op-amps."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Capacitance, Current, Positive, Power, Resistance, Spec, Voltage


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
    gain_sd, back_gain_sd
        Spread from amplifier to amplifier, as fractions.
    offset_sd
        Of the voltage at the input of each.
    power
        Quiescent power of one.
    """

    gain: Positive
    back_gain: Positive
    gain_sd: Annotated[float, Field(ge=0, lt=1)] = 0.0
    back_gain_sd: Annotated[float, Field(ge=0, lt=1)] = 0.0
    offset_sd: Annotated[Voltage, Field(ge=0)] = 0.0
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
    gain
        Open-loop gain A of the op-amp, infinite if left out: its virtual ground is off by V/A, so the feedback resistor
        and capacitor see V (1 + 1/A). The load of the array on it is left out.
    power
        Quiescent power of one.
    """

    r_f: Annotated[Resistance, Field(gt=0)] | None = None
    w_max: Positive = 2.0
    c_f: Annotated[Capacitance, Field(gt=0)] = 1e-12
    v_scale: Annotated[Voltage, Field(gt=0)] = 1.0
    gain: Positive | None = None
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
