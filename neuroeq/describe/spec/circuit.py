"""How a network is laid out as a resistor network, in its own units of voltage and conductance."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Conductance, Positive, Spec, Voltage


class Resistive(Spec):
    """Layout of a resistor network.

    Parameters
    ----------
    input_gain
        Voltage of an input of value 1.
    double_inputs
        Whether each input x drives two nodes, x and -x, so that positive conductances weigh it with either sign.
    bias_voltages
        Constant sources beside the inputs.
    outputs
        ``single``: the voltage of a node is an output; ``paired``: the difference of two nodes is.
    diodes
        Which diodes hidden nodes have. ``split``: the first half of a layer those that keep it from falling, the second
        those that keep it from rising; ``both``; ``lower`` or ``upper``: all the one or the other; ``none``.
    v_unit, g_unit
        What voltage 1 and conductance 1 are in volts and siemens. If left out, conductance 1 is the top of the
        hardware's window, or 1 mS where it has none.
    """

    input_gain: Positive = 1.0
    double_inputs: bool = True
    bias_voltages: tuple[float, ...] = ()
    outputs: Literal["single", "paired"] = "single"
    diodes: Literal["split", "both", "lower", "upper", "none"] = "split"
    v_unit: Annotated[Voltage, Field(gt=0)] = 1.0
    g_unit: Annotated[Conductance, Field(gt=0)] | None = None
