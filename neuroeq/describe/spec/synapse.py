"""The programmable devices that hold the weights of a circuit, as a hardware file describes them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Area, Capacitance, Conductance, Positive, Spec, Time, Voltage
from .device import Direct, Faults, Pulsed, Update
from .noise import Drift, ProgrammingNoise, ReadNoise
from .programming import Pulses, Scheme


class Synapse(Spec):
    """The programmable devices of a circuit.

    Parameters
    ----------
    cell_area
        Area of one device with what selects it; not given if left out. [m^2]
    element
        ``resistor``: a programmable conductance; ``mosfet``: a transistor in its ohmic range, with
        g = beta (v_gate - v_th); ``capacitor``: a capacitance c, which obeys the same equations for charge and counts
        as the conductance c/phase_time.
    g_min, g_max
        The window that conductances are kept in; without an upper limit if g_max is left out. [S]
    c_min, c_max
        The window that capacitances are kept in, for capacitors. [F]
    beta
        Transconductance parameter of transistors. [S/V]
    v_th, v_th_sd
        Threshold voltage of transistors, and its standard deviation from device to device. [V]
    v_gate_min, v_gate_max
        Lowest and highest gate voltage of transistors. [V]
    pairing
        How a crossbar represents signed weights: by the difference between two devices, or by one device against a
        reference in the middle of the window.
    unidirectional
        Whether pulses can only raise a conductance; a pair is then rewritten when one device is nearly full.
    rest
        Where the lower device of a unidirectional pair rests, as a fraction of the window: pulses are smaller and less
        noisy above the bottom of many devices.
    levels
        Number of levels that target conductances are rounded to; 0 for continuous devices.
    rounding
        Whether a target is rounded to the nearest level, or at random to either neighbour such that the mean is kept.
    leak_tau
        Time constant of the decay towards the bottom of the window; no decay if left out. [s]
    update
        How a device follows the change that it is asked for.
    programming
        How the changes of an update are brought into the devices.
    programming_noise
        Noise of the conductance after programming; none if left out.
    read_noise
        Noise of the conductance at each read; none if left out.
    drift
        Drift of the conductance after programming; none if left out.
    faults
        Devices that are stuck.
    """

    cell_area: Annotated[Area, Field(gt=0)] | None = None
    element: Literal["resistor", "mosfet", "capacitor"] = "resistor"
    g_min: Annotated[Conductance, Field(ge=0)] = 0.0
    g_max: Annotated[Conductance, Field(gt=0)] | None = None
    c_min: Annotated[Capacitance, Field(ge=0)] | None = None
    c_max: Annotated[Capacitance, Field(gt=0)] | None = None
    beta: Positive | None = None
    v_th: Voltage | None = None
    v_th_sd: Annotated[Voltage, Field(ge=0)] = 0.0
    v_gate_min: Voltage | None = None
    v_gate_max: Voltage | None = None
    pairing: Literal["differential_pair", "reference_column"] = "differential_pair"
    unidirectional: bool = False
    rest: Annotated[float, Field(ge=0, le=0.8)] = 0.0
    levels: Annotated[int, Field(ge=0)] = 0
    rounding: Literal["nearest", "stochastic"] = "nearest"
    leak_tau: Annotated[Time, Field(gt=0)] | None = None
    update: Update = Direct()
    programming: Scheme = Pulses()
    programming_noise: ProgrammingNoise | None = None
    read_noise: ReadNoise | None = None
    drift: Drift | None = None
    faults: Faults = Faults()

    @model_validator(mode="after")
    def _window(self) -> Self:
        self._check_element()
        if self.g_max is not None and self.g_max <= self.g_min:
            raise ValueError(f"g_max ({self.g_max:g} S) must be above g_min ({self.g_min:g} S)")
        needing = [
            *(["levels"] if self.levels else []),
            *(["faults"] if self.faults.any else []),
            *(["update"] if self.update.model != "direct" else []),
            *(["pairing"] if self.pairing == "reference_column" else []),
            *(["unidirectional"] if self.unidirectional else []),
        ]
        if needing and self.element == "resistor" and self.g_max is None:
            raise ValueError(f"{needing[0]} needs a window; give g_max")
        if self.levels == 1:
            raise ValueError("levels is 1; expected at least 2, or 0 for a continuous device")
        if self.unidirectional and (self.pairing != "differential_pair" or not isinstance(self.update, Pulsed)):
            raise ValueError("unidirectional needs pairing 'differential_pair' and a pulsed update")
        if self.rest and not self.unidirectional:
            raise ValueError(f"rest is {self.rest:g} without unidirectional; other pairs rest where their state says")
        refusal = self.programming.refusal(self.update, self.unidirectional)
        if refusal is not None:
            raise ValueError(f"programming.scheme is '{self.programming.scheme}', {refusal}")
        return self

    def _check_element(self) -> None:
        own = {
            "resistor": {},
            "mosfet": {"beta": self.beta, "v_th": self.v_th, "v_gate_max": self.v_gate_max},
            "capacitor": {"c_max": self.c_max},
        }
        for element, values in own.items():
            for key, value in values.items():
                if (value is None) == (element == self.element):
                    expected = "expected one" if value is None else f"only a {element} has it"
                    raise ValueError(f"{key} is {value}, and element is '{self.element}'; {expected}")
        if self.element != "resistor" and (self.g_min or self.g_max is not None):
            raise ValueError(f"g_min and g_max are given, and element is '{self.element}'; leave them out")
        if self.element == "mosfet" and (self.v_gate_max or 0) <= max(self.v_th or 0, self.v_gate_min or 0):
            raise ValueError(f"v_gate_max is {self.v_gate_max:g} V; expected more than v_th and v_gate_min")
        if self.element == "capacitor" and (self.c_max or 0) <= (self.c_min or 0):
            raise ValueError("c_max must be above c_min")
