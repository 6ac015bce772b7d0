"""The devices of one circuit: the conductances they hold, how updates change them, and how they act.

Every property is drawn from a stream of its own, named after it and the array: the same seed is the same chip, whatever
else is switched on.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import OnDevices, Params
from neuroeq.describe.network import mask
from neuroeq.describe.spec import Network
from neuroeq.randomness import Streams

from .array import DeviceArray
from .mapping import Mapping
from .programmed_array import ASKED, MADE, ProgrammedArray

Array = np.ndarray
Held = dict[str, Array]
"""Conductances by array of devices: (devices per weight, n_pre, n_post) [S]; and what their programming scheme keeps
under ``"<array>/<name>"``, such as the numbers of pulses so far, (devices per weight, n_pre, n_post)."""


class Chip:
    """The devices of a network's circuit.

    Parameters
    ----------
    network
        Resolved for a circuit.
    params
        The parameters, for the names and shapes of the arrays.
    streams
        The random streams of the run, whose seed is that of the chip.
    """

    def __init__(self, network: Network, params: Params, streams: Streams) -> None:
        self._masks = {name: mask(network, name) for name in network.projections}
        ends = {name: (projection.source, projection.target) for name, projection in network.projections.items()}
        self._lateral = {
            name for name, (source, target) in ends.items() if source == target and network.symmetric(name)
        }
        on_devices = params if network.kind.pairs else {name: params[name] for name in network.projections}
        mappings = {name: Mapping(network, name) for name in on_devices}
        self.shapes = {name: (mappings[name].devices, *value.shape) for name, value in on_devices.items()}
        self._dtype = next(iter(params.values())).dtype
        self.arrays = {
            name: DeviceArray(name, mappings[name].hardware, mappings[name], shape, streams)
            for name, shape in self.shapes.items()
        }

    @property
    def plain(self) -> bool:
        """Whether all devices hold and do exactly what they are asked for."""
        return all(array.plain for array in self.arrays.values())

    def write(self, params: Params, rng: np.random.Generator) -> Held:
        """Program weights into all devices, one after the other, and return what they hold."""
        return {name: array.written(params[name], rng) for name, array in self.arrays.items()}

    def update(self, held: Held, params: Params, wanted: Params, rng: np.random.Generator) -> Held:
        """Return what devices hold after a change from the weights `params` to others was asked for."""
        after = dict(held)
        for name, array in self.arrays.items():
            change = np.asarray(wanted[name], float) - params[name] + array.bias
            devices = ProgrammedArray(array, after, name)
            array.synapse.programming.update(devices, change, rng)
            after[name] = array.failed(array.leaked(after[name], array.hardware.periphery.phase_time))
            made = array.mapping.weights(after[name]) - array.mapping.weights(held[name])
            for what, amount in ((ASKED, change), (MADE, made)):
                after[f"{name}/{what}"] = after.get(f"{name}/{what}", 0.0) + amount
        return after

    def weights(self, held: Held, params: Params) -> Params:
        """Return the weights that devices hold, with the parameters that no device holds."""
        return {**params, **{name: self._weight(name, held[name]) for name in self.arrays}}

    def conductances(self, held: Held) -> Held:
        """Return the conductances that hold the weights, by array of devices: 0 where there is no synapse [S]."""
        return {name: self._connected(name, held[name]) for name in self.arrays}

    def acting(self, held: Held, params: Params, rng: np.random.Generator, at: float | None = None) -> OnDevices:
        """Return the weights as they act: thresholds, drift until `at` after programming [s], noise of reading."""
        acting = {name: array.acting(held[name], rng, at) for name, array in self.arrays.items()}
        return OnDevices(self.weights(acting, params), self.conductances(acting))

    def _weight(self, name: str, g: Array) -> Array:
        return self._connected(name, self.arrays[name].mapping.weights(g).astype(self._dtype))

    def _connected(self, name: str, value: Array) -> Array:
        """Return 0 where there is no synapse, and one device for both ends of a lateral one."""
        if self._masks.get(name) is not None:
            value = value * self._masks[name]
        if name in self._lateral:
            value = np.triu(value, 1)
            value = value + np.swapaxes(value, -1, -2)
        return value
