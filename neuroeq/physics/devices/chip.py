"""The devices of one circuit: the conductances they hold, how updates change them, and how they act.

Every property is drawn from a stream of its own, named after it and the array: the same seed is the same chip, whatever
else is switched on.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import OnDevices, Params
from neuroeq.describe.network import mask
from neuroeq.describe.operators import copies, operators
from neuroeq.describe.spec import Network
from neuroeq.randomness import Streams

from .array import DeviceArray
from .compensation import Kind, compensation
from .mapping import Mapping
from .programmed_array import ASKED, START, STATE, ProgrammedArray

Array = np.ndarray
Held = dict[str, Array]
"""Conductances by array of devices: (devices per weight, rows, columns) [S], which are (n_pre, n_post), or for a
convolution (what a place sees, channels after); and what their programming scheme keeps under
``"<array>/<name>"``, such as the numbers of pulses so far, of the same shape."""


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
        self._maps = operators(network)
        self.shapes = {
            name: (mappings[name].devices, *self._maps[name].laid_out(value).shape)
            for name, value in on_devices.items()
        }
        built = copies(network, self._maps)
        self.copies = {name: self._maps[name].laid_out(built[name]) for name in on_devices}
        self._dtype = next(iter(params.values())).dtype
        self._compensated = _compensated(network, list(on_devices)) if network.kind.pairs else {}
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
        return {
            name: array.written(self._maps[name].laid_out(params[name]), rng) for name, array in self.arrays.items()
        }

    def update(self, held: Held, params: Params, wanted: Params, rng: np.random.Generator) -> Held:
        """Return what devices hold after a change from the weights `params` to others was asked for."""
        after = dict(held)
        for name, array in self.arrays.items():
            change = self._maps[name].laid_out(np.asarray(wanted[name], float) - params[name]) + array.bias
            after.setdefault(f"{name}/{START}", array.mapping.weights(held[name]))
            after[f"{name}/{ASKED}"] = after.get(f"{name}/{ASKED}", 0.0) + change
            devices = ProgrammedArray(array, after, name)
            array.synapse.programming.update(devices, change, rng)
            for key in {name, f"{name}/{STATE}"} & after.keys():
                after[key] = array.failed(array.leaked(after[key], array.hardware.periphery.nominal_phase_time))
        return after

    def changes(self, held: Held, name: str) -> tuple[Array, Array]:
        """Return the changes of an array's weights since the first update: those asked for, and those that were made.

        Both are 0 before that update.
        """
        now = self.arrays[name].mapping.weights(held[name])
        return np.asarray(held.get(f"{name}/{ASKED}", 0.0 * now)), now - held.get(f"{name}/{START}", now)

    def weights(self, held: Held, params: Params) -> Params:
        """Return the weights that devices hold, with the parameters that no device holds."""
        return {**params, **{name: self._weight(name, held[name]) for name in self.arrays}}

    def conductances(self, held: Held) -> Held:
        """Return the conductances that hold the weights, by array of devices: 0 where there is no synapse [S]."""
        return {name: self._connected(name, held[name]) for name in self.arrays}

    def acting(self, held: Held, params: Params, rng: np.random.Generator, at: float | None = None) -> OnDevices:
        """Return the weights as they act: thresholds, drift until `at` after programming [s], noise of reading."""
        acting = {name: array.acting(held[name], rng, at) for name, array in self.arrays.items()}
        gains = {} if at is None else self._gains(held, at)
        given = {name: g * gains[name] if name in gains else g for name, g in acting.items()}
        return OnDevices(self.weights(given, params), self.conductances(acting), gains)

    def compensation_reads(self, n_times: int) -> int:
        """Return how many columns of devices are read to compensate drift at some times after programming."""
        drifting = [name for name in self._compensated if self._drifts(name)]
        columns = sum(self.shapes[name][0] * int(self.copies[name][0].sum()) for name in drifting)
        return columns * (1 + n_times)

    def _drifts(self, name: str) -> bool:
        synapse = self.arrays[name].synapse
        return synapse.drift is not None or synapse.leak_tau is not None

    def _gains(self, held: Held, at: float) -> Held:
        """Return the factors that compensate drift until `at` after programming [s], by array of devices."""
        gains: Held = {}
        for name, together in self._compensated.items():
            if not self._drifts(name):
                continue
            by_column = self.arrays[name].hardware.array.drift_compensation == "column"
            kind: Kind = "column" if by_column and name not in self._lateral else "global"
            before, now = ([self._calibration(each, held, time) for each in together] for time in (None, at))
            gains |= dict.fromkeys(together, compensation(kind, before, now))
        return gains

    def _calibration(self, name: str, held: Held, at: float | None) -> Array:
        """Return the conductances of an array as they are read to compensate drift [S]."""
        array = self.arrays[name]
        moment = "at once" if at is None else f"after {at!r} s"
        acting = array.acting(held[name], array.child(f"calibration {moment}"), at)
        return self._maps[name].laid_out(self._connected(name, acting))

    def _weight(self, name: str, g: Array) -> Array:
        return self._connected(name, self.arrays[name].mapping.weights(g).astype(self._dtype))

    def _connected(self, name: str, value: Array) -> Array:
        """Return values of devices in the shape of weights: 0 where there is no synapse, and the same both ways."""
        value = self._maps[name].taken_in(value)
        if self._masks.get(name) is not None:
            value = value * self._masks[name]
        if name in self._lateral:
            value = np.triu(value, 1)
            value = value + np.swapaxes(value, -1, -2)
        return value


def _compensated(network: Network, arrays: list[str]) -> dict[str, list[str]]:
    """Return the arrays whose drift is compensated, each with the biases that are a row of it."""
    chosen = [name for name in network.projections if network.array(name).array.drift_compensation != "none"]
    biases = {name: f"{network.projections[name].target}.bias" for name in chosen}
    return {
        name: [name, bias] if bias in arrays and network.home(bias) == name else [name] for name, bias in biases.items()
    }
