"""How a network becomes a resistor network, in units of voltage and conductance of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Conductance, Positive, Spec, Voltage


class Resistive(Spec):
    """Layout of a resistor network.

    Parameters
    ----------
    input_gain
        Voltage that an input of value 1 is driven with. [`v_unit`]
    double_inputs
        Whether each input x drives two nodes, x and -x, so that positive conductances can weigh it with either sign;
        for a convolution these are twice as many channels.
    bias_voltages
        Voltages of constant sources that stand beside the inputs; for a convolution each is a constant channel, whose
        conductances all places share. [`v_unit`]
    outputs
        ``single``: each output is the voltage of a node; ``paired``: each is the difference between two nodes.
    diodes
        Which diodes the hidden nodes have. ``lower``: diodes that keep the voltage from falling; ``upper``: diodes that
        keep it from rising; ``split``: lower ones in the first half of a layer, or of its channels, and upper ones in
        the second; ``both``: the two at every node; ``none``: no diodes.
    v_unit
        Voltage that counts as 1. If left out, 1 V where the hardware has voltages of its own, such as those of its
        diodes; with others, any unit gives the same network, and sources are kept within the converters' full scale.
        [V]
    g_unit
        Conductance that counts as 1; if left out, the top of the hardware's window, or 1 mS without a window. [S]
    """

    input_gain: Positive = 1.0
    double_inputs: bool = True
    bias_voltages: tuple[float, ...] = ()
    outputs: Literal["single", "paired"] = "single"
    diodes: Literal["split", "both", "lower", "upper", "none"] = "split"
    v_unit: Annotated[Voltage, Field(gt=0)] | None = None
    g_unit: Annotated[Conductance, Field(gt=0)] | None = None

    @property
    def largest_source(self) -> float:
        """The largest voltage of a source, for inputs of 1 [`v_unit`]."""
        return max(self.input_gain, *map(abs, self.bias_voltages), 0.0)
