"""Hardware: the devices, nodes, wires and converters of a circuit, in physical units.

A network's own numbers are dimensionless; the hardware gives them their scale.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Described, Resistance, Spec, Temperature
from .node import IdealClamp, Neuron, NoClamp
from .oscillators import Oscillators
from .periphery import Periphery
from .synapse import Synapse

OF_ARRAY = ("r_f", "w_max", "headroom", "bias_gain")
"""Keys of the integrators that scale the weights of an array to its window, and are its own."""
OF_WRITING = ("write_time", "write_energy")
"""Keys of the periphery that belong to the pulses of an array, and are its own."""
CIRCUIT = ("synapse", "neuron", "array", "periphery")
"""Tables of a circuit, which oscillators have no use for."""
DEFAULT_R_F = 1e5
"""Feedback resistance where no conductance window determines it; weight 1 is then 10 uS. [ohm]"""


class Array(Spec):
    """The wires of a crossbar, and how it is cut into tiles.

    Parameters
    ----------
    r_wire_row, r_wire_col
        Resistance of the wire between two neighbouring cells of a row, and of a column. [ohm]
    r_source, r_sense
        Resistance at the driven end and at the sensed end of each wire. [ohm]
    max_rows, max_cols
        Largest size of a tile; larger arrays are cut into tiles.
    solver
        How wires act in training: ``"series"``, an approximation whose error is checked every epoch, or ``"exact"``.
        They are solved exactly everywhere else.
    phase_mismatch
        Mismatch between two circuits, where the phase at +beta runs on a circuit of its own: standard deviation of
        every conductance there, as a fraction. It is 0 where one circuit runs all phases in turn.
    drift_compensation
        Whether what an array of a crossbar gives is scaled by what its devices give under equal voltages on all rows,
        right after programming over now: ``"global"``, by one factor for all columns together, or ``"column"``, by one
        for each.
    convolutions
        How a crossbar serves the places of a convolution: ``"unrolled"``, a copy of the array of kernels at each, all
        programmed alike, or ``"time_multiplexed"``, one array for one place after the other in each step.
    """

    r_wire_row: Annotated[Resistance, Field(ge=0)] = 0.0
    r_wire_col: Annotated[Resistance, Field(ge=0)] = 0.0
    r_source: Annotated[Resistance, Field(ge=0)] = 0.0
    r_sense: Annotated[Resistance, Field(ge=0)] = 0.0
    max_rows: Annotated[int, Field(gt=0)] | None = None
    max_cols: Annotated[int, Field(gt=0)] | None = None
    solver: Literal["exact", "series"] = "series"
    phase_mismatch: Annotated[float, Field(ge=0)] = 0.0
    drift_compensation: Literal["none", "global", "column"] = "none"
    convolutions: Literal["unrolled", "time_multiplexed"] = "unrolled"

    @property
    def wired(self) -> bool:
        """Whether the wires or their ends have any resistance."""
        return bool(self.r_wire_row or self.r_wire_col or self.r_source or self.r_sense)


class Evidence(Spec):
    """Where some numbers of a hardware file come from.

    Parameters
    ----------
    keys
        Dotted paths of the numbers in the file, or of the tables that hold them.
    kind
        ``measured``, ``fit``, ``derived`` or ``assumed``.
    checked
        What the numbers were checked against: measured data, code, a copy of the paper, its abstract, memory, or
        nothing.
    cite
        Citation of the source, or the reason for an assumption.
    """

    keys: tuple[str, ...]
    kind: Literal["measured", "fit", "derived", "assumed"]
    checked: Literal["data", "code", "paper-copy", "abstract", "recalled", "none"] = "none"
    cite: str


class Hardware(Described):
    """The technology of a circuit, as a hardware file describes it.

    Parameters
    ----------
    temperature
        Temperature of the diodes, which sets their thermal voltage and their saturation current;
        from 100 to 1000 K, where diodes are described by such equations. [K]
    synapse
        The programmable devices that hold the weights.
    neuron
        The nodes: diodes, amplifiers and integrators.
    array
        The wires and tiles of a crossbar.
    periphery
        The converters, with times and energies.
    oscillators
        The disorder and the precision of a network of oscillators.
    evidence
        The sources of every number that is not a default.
    """

    temperature: Annotated[Temperature, Field(ge=100, le=1000)] = 300.15
    synapse: Synapse = Synapse()
    neuron: Neuron = Neuron()
    array: Array = Array()
    periphery: Periphery = Periphery()
    oscillators: Oscillators = Oscillators()
    evidence: tuple[Evidence, ...] = ()

    def around(self, array: Hardware) -> Hardware:
        """Return the hardware of an array with devices and wires of its own, in a circuit of this hardware."""
        own = array.neuron.integrator
        scale = {key: getattr(own, key) for key in OF_ARRAY}
        neuron = self.neuron.model_copy(update={"integrator": self.neuron.integrator.model_copy(update=scale)})
        writing = {key: getattr(array.periphery, key) for key in OF_WRITING}
        periphery = self.periphery.model_copy(update=writing)
        shared = {key: getattr(self.array, key) for key in ("solver", "phase_mismatch")}
        parts = {"neuron": neuron, "periphery": periphery, "array": array.array.model_copy(update=shared)}
        return array.model_copy(update={**parts, "temperature": self.temperature})

    @property
    def circuit(self) -> list[str]:
        """The tables of a circuit that say anything: of devices, nodes, wires or converters."""
        return [name for name in CIRCUIT if getattr(self, name) != type(self).model_fields[name].default]

    @property
    def of_oscillators(self) -> bool:
        """Whether it has a table of oscillators, and describes nothing of a circuit."""
        return "oscillators" in self.model_fields_set and not self.circuit

    @property
    def has_voltages(self) -> bool:
        """Whether nodes or converters of a resistor network have voltages of their own, which give it its scale."""
        clamp, amplifier = self.neuron.nonlinearity, self.neuron.amplifier
        scale_free = isinstance(clamp, NoClamp) or (
            isinstance(clamp, IdealClamp) and not (clamp.v_bias_up or clamp.v_bias_down)
        )
        return not scale_free or bool(amplifier and amplifier.offset_sd) or self.periphery.has_voltages

    @property
    def r_f(self) -> float:
        """Feedback resistance of a crossbar's integrators; by default it makes weights up to w_max fit. [ohm]."""
        integrator = self.neuron.integrator
        if integrator.r_f is not None:
            return integrator.r_f
        return DEFAULT_R_F if self.g_max is None else integrator.w_max / self.swing

    @property
    def w_max(self) -> float:
        """Largest weight that the devices of a crossbar can hold; infinite without a conductance window."""
        return float("inf") if self.g_max is None else self.r_f * self.swing

    @property
    def g_min(self) -> float:
        """Lowest conductance of a device. [S]."""
        synapse = self.synapse
        if synapse.element == "capacitor":
            return (synapse.c_min or 0.0) / self.periphery.nominal_phase_time
        if synapse.element == "mosfet":
            return max(0.0, (synapse.beta or 0.0) * ((synapse.v_gate_min or 0.0) - (synapse.v_th or 0.0)))
        return synapse.g_min

    @property
    def g_max(self) -> float | None:
        """Highest conductance of a device; None if there is no limit. [S]."""
        synapse = self.synapse
        if synapse.element == "capacitor":
            return (synapse.c_max or 0.0) / self.periphery.nominal_phase_time
        if synapse.element == "mosfet":
            return (synapse.beta or 0.0) * ((synapse.v_gate_max or 0.0) - (synapse.v_th or 0.0))
        return synapse.g_max

    @property
    def swing(self) -> float:
        """Largest conductance difference that stands for a weight: the window above rest, or half of it. [S]."""
        assert self.g_max is not None
        window = self.g_max - self.g_min
        return window / 2 if self.synapse.pairing == "reference_column" else window * (1 - self.synapse.rest)

    @property
    def g_reference(self) -> float:
        """Conductance of a reference column, in the middle of the window [S]."""
        return (self.g_min + (self.g_min if self.g_max is None else self.g_max)) / 2

    @property
    def g_rest(self) -> float:
        """Conductance at which the lower device of a pair rests [S]."""
        return self.g_min if self.g_max is None else self.g_min + self.synapse.rest * (self.g_max - self.g_min)

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
