"""The calibration of the converters that read a circuit.

F_layer = quantile of |V|,   over all units of the layer and the free phases of some samples

V is what converters get, with their offsets and without their noise.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Calibrated, Substrate
from neuroeq.errors import SpecError

from .periphery import Periphery

Array = np.ndarray


class Converters:
    """The converters of a circuit, each of whose layers is read over a range of its own; a `Calibrated`.

    Parameters
    ----------
    circuit
        The circuit that they read.
    periphery
        Its periphery, to which they belong.
    """

    def __init__(self, circuit: Substrate, periphery: Periphery) -> None:
        self._circuit, self._periphery = circuit, periphery

    @property
    def full_scales(self) -> dict[str, float]:
        """The largest voltage of either sign that is read, by layer; empty before the first calibration [V]."""
        return dict(self._periphery.full_scales)

    @full_scales.setter
    def full_scales(self, volts: Mapping[str, float]) -> None:
        self._periphery.full_scales = dict(volts)

    def calibrate(self, inputs: Array, rng: np.random.Generator | None = None) -> dict[str, float]:
        """Return full scales for what free phases under these inputs show, and use them from now on.

        Parameters
        ----------
        inputs
            The inputs of the samples: (n, n_input).
        rng
            Random numbers of the free phases.

        Raises
        ------
        SpecError
            If there are no samples.
        """
        network = self._circuit.network
        if not len(inputs):
            raise SpecError(
                f"{network.technology.where}: periphery.adc_full_scale is 'calibrated' and there are no samples; give "
                "some, or a voltage."
            )
        with self._periphery.watching() as seen:
            for start in range(0, len(inputs), self._circuit.batch):
                self._circuit.relax(inputs[start : start + self._circuit.batch], rng=rng)
        quantile = network.technology.periphery.calibration_quantile
        volts = {layer: float(np.quantile(np.concatenate(values), quantile)) for layer, values in seen.items()}
        self.full_scales = {layer: volt or self._periphery.unit for layer, volt in volts.items()}
        return self.full_scales


def calibrated(circuit: Substrate, periphery: Periphery) -> Calibrated | None:
    """Return the converters of a circuit, if their full scales are calibrated; None if they are not."""
    return Converters(circuit, periphery) if circuit.network.technology.periphery.calibrated else None
