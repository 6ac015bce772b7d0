"""Weights as conductances of devices, and back.

resistor network     w g_unit = G                       one device a weight
differential pair    w = R_f (G+ - G-)                  one of them at the bottom of the window; both around its
                                                        middle where pulses move them up and down
reference column     w = R_f (G - G_ref)                G_ref in the middle of the window
"""

from __future__ import annotations

import numpy as np

from neuroeq.describe.spec import Hardware, Network
from neuroeq.describe.spec.device import Pulsed

Array = np.ndarray


class Mapping:
    """The mapping between the weights of a network and the conductances of its devices.

    Parameters
    ----------
    network
        Resolved for a circuit.
    name
        The name of the weights, or of biases, whose sources have a voltage of their own.
    """

    def __init__(self, network: Network, name: str) -> None:
        self.hardware: Hardware = network.array(name)
        self._gain = 1.0 if name in network.projections else self.hardware.neuron.integrator.bias_gain
        self._g_unit = network.g_unit if network.kind.conductances else None
        self._paired = self.hardware.synapse.pairing == "differential_pair"

    @property
    def devices(self) -> int:
        """Number of devices per weight."""
        return 2 if self._g_unit is None and self._paired else 1

    @property
    def unit(self) -> float:
        """Change of a device's conductance for a weight of 1 [S]."""
        return 1 / (self.hardware.r_f * self._gain) if self._g_unit is None else self._g_unit

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest weight that the devices can hold."""
        low, high = self.hardware.g_min, self.hardware.g_max
        if self._g_unit is not None:
            return low / self._g_unit, np.inf if high is None else high / self._g_unit
        return -self.hardware.w_max * self._gain, self.hardware.w_max * self._gain

    def conductances(self, weight: Array) -> Array:
        """Return the conductances of ideal devices that hold weights: (devices, ...) [S]."""
        if self._g_unit is not None:
            return (weight * self._g_unit)[None]
        return held_by(self.hardware, weight * self.unit)

    def weights(self, g: Array) -> Array:
        """Return the weights that conductances, (devices, ...) [S], stand for."""
        if self._g_unit is not None:
            return g[0] / self._g_unit
        return (g[0] - (g[1] if self._paired else self.hardware.g_reference)) / self.unit


def held_by(hardware: Hardware, asked: Array) -> Array:
    """Return the conductances of ideal devices whose difference, or that from the reference, is `asked` [S].

    Parameters
    ----------
    hardware
        The technology of the devices of a crossbar.
    asked
        The conductances that stand for weights, of either sign and any shape. [S]

    Returns
    -------
    array
        (devices of a weight, ...). [S]
    """
    synapse = hardware.synapse
    if synapse.pairing == "reference_column":
        return (hardware.g_reference + asked)[None]
    if isinstance(synapse.update, Pulsed) and not synapse.unidirectional:
        return hardware.g_reference + np.stack([asked, -asked]) / 2
    return hardware.g_rest + np.stack([np.maximum(asked, 0), np.maximum(-asked, 0)])
