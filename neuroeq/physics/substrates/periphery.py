"""The converters between a circuit and digital numbers, which drive inputs, read nodes and drive nudge currents.

Offsets belong to the chip and are drawn once; noise is drawn at every reading.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Nudge, Params
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.randomness import Streams

from ..devices import quantised

Array = np.ndarray


class Periphery:
    """The converters of a network's circuit.

    Parameters
    ----------
    network
        The network, resolved for a circuit; the seed of its run is that of the chip.
    """

    def __init__(self, network: Network) -> None:
        self._variant = network.phases.variant
        self._given, self._array = network.technology.periphery, network.technology.array
        self._streams = Streams(network.run.seed)
        circuit, unit = network.circuit, network.technology.neuron.integrator.v_scale
        drive = unit
        if network.kind.conductances:
            unit = circuit.v_unit
            drive = unit * max(circuit.input_gain, *map(abs, circuit.bias_voltages), 0.0)
        self._dac, self._adc = self._given.dac_full_scale or drive, self._given.adc_full_scale or unit
        nudge = self._given.nudge
        if (nudge.bits or nudge.i_max or nudge.offset_sd) and network.nudge != "held_current":
            raise SpecError(
                f"{network.technology.where}: periphery.nudge drives a current, and phases.nudge is '{network.nudge}'; "
                "use 'held_current', or leave it out."
            )

    @property
    def reads_exactly(self) -> bool:
        """Whether voltages are read without rounding, noise and offset."""
        return not (self._given.adc_bits or self._given.adc_noise_sd or self._given.adc_offset_sd)

    def driven(self, volts: Array) -> Array:
        """Return input voltages as the converters drive them [V]."""
        return quantised(volts, self._given.dac_bits, self._dac)

    def read(self, volts: Mapping[str, Array], rng: np.random.Generator | None) -> dict[str, Array]:
        """Return node voltages as they are read, by layer: (batch, n) [V]."""
        if self.reads_exactly:
            return dict(volts)
        noise = (rng or np.random.default_rng(0)).spawn(1)[0]
        readings = {}
        for layer, value in volts.items():
            if self._given.adc_offset_sd:
                offset = self._streams.child(f"converters offset {layer}").standard_normal(value.shape[1])
                value = value + self._given.adc_offset_sd * offset
            if self._given.adc_noise_sd:
                value = value + self._given.adc_noise_sd * noise.standard_normal(value.shape)
            readings[layer] = quantised(value, self._given.adc_bits, self._adc)
        return readings

    def pushed(self, amperes: Array) -> Array:
        """Return nudge currents into the outputs as they are driven, (batch, n) [A]."""
        nudge = self._given.nudge
        if nudge.i_max is not None:
            amperes = np.clip(quantised(amperes, nudge.bits, nudge.i_max), -nudge.i_max, nudge.i_max)
        if nudge.offset_sd:
            offset = self._streams.child("nudge offset").standard_normal(amperes.shape[1])
            amperes = amperes + nudge.offset_sd * offset
        return amperes

    def elsewhere(self, nudge: Nudge | None) -> bool:
        """Return whether a phase runs on a second circuit: that of +beta, or of -beta if there is no other."""
        if nudge is None or not self._array.phase_mismatch:
            return False
        return nudge.beta > 0 or self._variant == "negative"

    def twin(self, params: Params) -> Params:
        """Return the weights of the second circuit."""
        spread = self._array.phase_mismatch
        return {
            name: value * np.maximum(1 + spread * self._streams.child(f"twin {name}").standard_normal(value.shape), 0)
            for name, value in params.items()
        }
