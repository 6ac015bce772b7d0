"""The nodes of a circuit, as a hardware file describes them: diodes, amplifiers, op-amps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from neuroeq.registry import DIODES

from .base import Capacitance, Positive, Power, Resistance, Spec, Voltage
from .by_name import table_of


class Clamp(Spec):
    """Diodes between a node and two bias sources; the base class of every description of diodes.

    A description also has a field `model`, with the name of its diode in the registry `DIODES`.

    Parameters
    ----------
    v_bias_up
        Voltage of the upper bias source: the diode to it conducts when the node is above. [V]
    v_bias_down
        Voltage of the lower bias source: the diode from it conducts when the node is below. [V]
    """

    if TYPE_CHECKING:
        model: str
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
    """Nodes without diodes, which are linear.

    Parameters
    ----------
    model
        The name of this model, ``"none"``.
    """

    model: Literal["none"] = "none"


class IdealClamp(Clamp):
    """Ideal diodes, without forward voltage and without leakage.

    Parameters
    ----------
    model
        The name of this model, ``"ideal"``.
    """

    model: Literal["ideal"] = "ideal"


def _fields(diode: Any) -> Any:
    """Return the description of a diode; a diode without `fields` describes itself."""
    return getattr(diode, "fields", diode)


Nonlinearity = Annotated[
    SerializeAsAny[Clamp | NoClamp], BeforeValidator(table_of(DIODES, Clamp, NoClamp, described_by=_fields))
]
"""Diodes at a node: the table of any diode in the registry `DIODES`."""


class Amplifier(Spec):
    """A bidirectional amplifier between each hidden node and the layers after it.

    Parameters
    ----------
    gain
        Forward voltage gain, dimensionless.
    back_gain
        Fraction of the amplifier's output current that is drawn from the node at its input.
    gain_sd, back_gain_sd
        Standard deviations of the two gains from amplifier to amplifier, as fractions of the gains.
    offset_sd
        Standard deviation of the offset voltage at the input from amplifier to amplifier. [V]
    power
        Quiescent power of one amplifier; not given if left out. [W]
    """

    gain: Positive
    back_gain: Positive
    gain_sd: Annotated[float, Field(ge=0, lt=1)] = 0.0
    back_gain_sd: Annotated[float, Field(ge=0, lt=1)] = 0.0
    offset_sd: Annotated[Voltage, Field(ge=0)] = 0.0
    power: Annotated[Power, Field(ge=0)] | None = None


class Integrator(Spec):
    """The op-amp integrator that is a neuron of a crossbar.

    Parameters
    ----------
    r_f
        Feedback resistance. If it is left out, weights up to `w_max` just fit the window of conductances. [ohm]
    w_max
        Largest weight that fits the window where `r_f` is left out, dimensionless.
    headroom
        The largest weight that fits the window over the largest start weight of the network's projections: the more
        of the window weights use, the less the noise of devices counts. It sets `w_max`, and for resistor networks
        their `g_unit`, where no scale is given.
    bias_gain
        Voltage of the sources of biases over `v_scale`, so that biases up to `bias_gain` times `w_max` fit the window;
        if left out, 1, or with `headroom` what lets start biases fit.
    c_f
        Capacitance of the feedback capacitor. [F]
    v_scale
        Voltage that stands for the activity 1. [V]
    gain
        Open-loop gain A of the op-amp; infinite if it is left out. With a finite gain the virtual ground is off by V/A,
        so the feedback resistor and capacitor see the voltage V (1 + 1/A). The load that the array puts on the op-amp
        is neglected.
    power
        Quiescent power of one op-amp; not given if left out. [W]
    """

    r_f: Annotated[Resistance, Field(gt=0)] | None = None
    w_max: Positive = 2.0
    headroom: Positive | None = None
    bias_gain: Positive = 1.0
    c_f: Annotated[Capacitance, Field(gt=0)] = 1e-12
    v_scale: Annotated[Voltage, Field(gt=0)] = 1.0
    gain: Positive | None = None
    power: Annotated[Power, Field(ge=0)] | None = None


class Neuron(Spec):
    """The nodes of a circuit.

    Parameters
    ----------
    nonlinearity
        The diodes at hidden nodes.
    amplifier
        The amplifiers behind hidden nodes; there are none if it is left out.
    integrator
        The op-amp integrators of a crossbar.
    c_node
        Capacitance from a node to ground. [F]
    """

    nonlinearity: Nonlinearity = IdealClamp()
    amplifier: Amplifier | None = None
    integrator: Integrator = Integrator()
    c_node: Annotated[Capacitance, Field(gt=0)] = 1e-12
