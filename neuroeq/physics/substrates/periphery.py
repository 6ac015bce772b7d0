"""The converters between a circuit and digital numbers, which drive inputs, read nodes and drive nudge currents.

Offsets belong to the chip and are drawn once; noise is drawn at every reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from neuroeq.contract import Nudge, Params
from neuroeq.describe.network import free_layers
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

    Attributes
    ----------
    unit
        The voltage that stands for 1. [V]
    full_scales
        The full scale of the converters of each layer, where they are calibrated. [V]

    Raises
    ------
    SpecError
        If a nudge is driven that is no current, or there is no full scale for a layer.
    """

    def __init__(self, network: Network) -> None:
        self._variant = network.phases.variant
        self._given, self._array = network.technology.periphery, network.technology.array
        self._streams = Streams(network.run.seed)
        unit = network.technology.neuron.integrator.v_scale
        drive = unit
        if network.kind.conductances:
            unit = network.v_unit
            drive = unit * network.circuit.largest_source
        self._dac, self.unit = self._given.dac_full_scale or drive, unit
        self._where = network.technology.where
        self.full_scales = self._chosen(network)
        self._seen: dict[str, list[Array]] | None = None
        nudge = self._given.nudge
        if (nudge.bits or nudge.i_max or nudge.offset_sd) and network.nudge != "held_current":
            raise SpecError(
                f"{network.technology.where}: periphery.nudge drives a current, and phases.nudge is '{network.nudge}'; "
                "use 'held_current', or leave it out."
            )

    def _chosen(self, network: Network) -> dict[str, float]:
        """Return the full scale of each layer; nothing, if that has to be found by a calibration."""
        given, layers = self._given.adc_full_scale, free_layers(network)
        if given == "calibrated":
            return {}
        if not isinstance(given, dict):
            return dict.fromkeys(layers, given or self.unit)
        if set(given) != set(layers):
            raise SpecError(
                f"{self._where}: periphery.adc_full_scale has {', '.join(given)}; expected a voltage for each of "
                f"{', '.join(layers)}."
            )
        return dict(given)

    @contextmanager
    def watching(self) -> Iterator[dict[str, list[Array]]]:
        """Read without rounding and noise for a while, and yield the sizes of all voltages that are read, by layer."""
        self._seen = {}
        try:
            yield self._seen
        finally:
            self._seen = None

    @property
    def reads_exactly(self) -> bool:
        """Whether voltages are read without rounding, noise and offset."""
        return not (self._given.adc_bits or self._given.adc_noise_sd or self._given.adc_offset_sd)

    @property
    def drawn(self) -> bool:
        """Whether anything of it is drawn by the seed of the chip."""
        return bool(self._given.adc_offset_sd or self._given.nudge.offset_sd or self._array.phase_mismatch)

    def driven(self, volts: Array) -> Array:
        """Return input voltages as the converters drive them [V]."""
        return quantised(volts, self._given.dac_bits, self._dac)

    def read(self, volts: Mapping[str, Array], rng: np.random.Generator | None) -> dict[str, Array]:
        """Return node voltages as they are read, by layer: (batch, n) [V].

        Raises
        ------
        SpecError
            If the full scales are calibrated, and have not been yet.
        """
        if self.reads_exactly:
            return dict(volts)
        noise = (rng or np.random.default_rng(0)).spawn(1)[0]
        readings = {}
        for layer, value in volts.items():
            if self._given.adc_offset_sd:
                offset = self._streams.child(f"converters offset {layer}").standard_normal(value.shape[1])
                value = value + self._given.adc_offset_sd * offset
            if self._seen is not None:
                self._seen.setdefault(layer, []).append(np.abs(value).ravel())
                readings[layer] = value
                continue
            if self._given.adc_noise_sd:
                value = value + self._given.adc_noise_sd * noise.standard_normal(value.shape)
            readings[layer] = quantised(value, self._given.adc_bits, self._full_scale(layer))
        return readings

    def _full_scale(self, layer: str) -> float:
        if layer not in self.full_scales:
            raise SpecError(
                f"{self._where}: periphery.adc_full_scale is 'calibrated', and the converters have seen no samples; "
                "train the network, call `substrate.as_calibrated().calibrate(inputs)` first, or give a voltage."
            )
        return self.full_scales[layer]

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
