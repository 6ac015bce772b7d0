"""The devices of one circuit: their spread, the conductances they hold, how updates change them, and how they act.

Every property is drawn from a stream of its own, named after it and the array: the same seed is the same chip, whatever
else is switched on.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import mask
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.device import Pulsed
from neuroeq.randomness import Streams

from .laws import Cells, draw_cells, nominal, pulse
from .mapping import Mapping
from .noise import drifted, programming_sd, read_sd

Array = np.ndarray
Held = dict[str, Array]
"""Conductances by array of devices: (devices per weight, n_pre, n_post). [S]"""
FULL = 0.9
"""Fraction of its range above which a unidirectional device counts as full and is rewritten."""


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
        self.hardware, self.synapse, self.mapping = network.technology, network.technology.synapse, Mapping(network)
        self._streams = streams
        self._masks = {name: mask(network, name) for name in network.projections}
        ends = {name: (projection.source, projection.target) for name, projection in network.projections.items()}
        self._lateral = {
            name for name, (source, target) in ends.items() if source == target and network.symmetric(name)
        }
        devices = self.mapping.devices
        on_devices = params if network.kind.pairs else {name: params[name] for name in network.projections}
        self.shapes = {name: (devices, *value.shape) for name, value in on_devices.items()}
        self._params = {name: value for name, value in params.items() if name not in self.shapes}
        self._dtype = next(iter(params.values())).dtype
        self.cells = {name: self._drawn(name) for name in self.shapes}

    @property
    def plain(self) -> bool:
        """Whether devices hold and do exactly what they are asked for."""
        synapse = self.synapse
        noisy = (synapse.programming_noise, synapse.read_noise, synapse.drift, synapse.leak_tau)
        return (
            synapse.update.exact
            and not any(noisy)
            and not synapse.levels
            and not synapse.faults.any
            and not synapse.v_th_sd
        )

    def write(self, params: Params, rng: np.random.Generator) -> Held:
        """Program weights into all devices, one after the other, and return what they hold."""
        return {name: self._written(name, params[name], rng) for name in self.shapes}

    def update(self, held: Held, params: Params, wanted: Params, rng: np.random.Generator) -> Held:
        """Return what devices hold after a change from the weights `params` to others was asked for."""
        after = {}
        for name, g in held.items():
            bias = self._bias(name)
            target = wanted[name] + bias
            if isinstance(self.synapse.update, Pulsed):
                g = self._pulsed(name, g, target - params[name], rng)
                after[name] = self._failed(name, self._leaked(g, self.hardware.periphery.phase_time))
            else:
                moved = target != params[name]
                written = self._written(name, target, rng)
                left = self._leaked(np.where(moved, written, g), self.hardware.periphery.phase_time)
                after[name] = self._failed(name, left)
        return after

    def weights(self, held: Held, params: Params) -> Params:
        """Return the weights that devices hold, with the parameters that no device holds."""
        return {**params, **{name: self._weight(name, g) for name, g in held.items()}}

    def acting(self, held: Held, params: Params, rng: np.random.Generator, at: float | None = None) -> Params:
        """Return the weights as they act: thresholds, drift until `at` after programming [s], noise of reading."""
        g_max = self.hardware.g_max or 0.0
        weights: Params = {}
        for name, g in held.items():
            if self.synapse.v_th_sd:
                xi = self._child("threshold", name).standard_normal(g.shape)
                g = g - (self.synapse.beta or 0.0) * self.synapse.v_th_sd * xi
            if self.synapse.drift is not None and at is not None:
                g = drifted(
                    self.synapse.drift, g, g_max or g.max(), at, self._child("drift", name).standard_normal(g.shape)
                )
            if self.synapse.leak_tau is not None and at is not None:
                g = self._leaked(g, at)
            reading, writing = rng.spawn(2)
            if self.synapse.read_noise is not None:
                sd = read_sd(self.synapse.read_noise, g, g_max or float(g.max()), self._since(at), held[name])
                g = g + sd * reading.standard_normal(g.shape)
            law = self.synapse.update
            if isinstance(law, Pulsed) and law.write_noise:
                g = g + law.write_noise * law.step * self._per_state(law) * writing.standard_normal(g.shape)
            weights[name] = self._weight(name, np.maximum(g, 0))
        return {**params, **weights}

    def _weight(self, name: str, g: Array) -> Array:
        """Return the weights of devices: none where there is no synapse, one device for both ends of a lateral one."""
        weight = self.mapping.weights(g).astype(self._dtype)
        if self._masks.get(name) is not None:
            weight = weight * self._masks[name]
        if name in self._lateral:
            weight = np.triu(weight, 1)
            weight = weight + weight.T
        return weight

    def _written(self, name: str, weight: Array, rng: np.random.Generator) -> Array:
        g = self.mapping.conductances(np.asarray(weight, float))
        levels, noise, verify = rng.spawn(3)
        g = np.clip(g, self.hardware.g_min, self.hardware.g_max)
        if self.synapse.levels:
            g = self._rounded(g, levels)
        if not self.synapse.update.exact:
            g = self.synapse.update.landed(g, self._window, verify)
        if self.synapse.programming_noise is not None:
            sd = programming_sd(self.synapse.programming_noise, g, self.hardware.g_max or float(g.max()))
            g = g + sd * noise.standard_normal(g.shape)
        low, high = self._limits(name)
        return self._failed(name, np.clip(g, low, high))

    def _pulsed(self, name: str, g: Array, change: Array, rng: np.random.Generator) -> Array:
        """Return conductances after as many pulses as a change asks for; fractions of one are left to chance."""
        law, cells = self.synapse.update, self.cells[name]
        assert isinstance(law, Pulsed)
        asked = self.mapping.unit * np.asarray(change, float) / self._per_state(law)
        if self.mapping.devices == 1:
            asked = asked[None]
        elif self.synapse.unidirectional:
            asked = np.stack([np.maximum(asked, 0), np.maximum(-asked, 0)])
        else:
            asked = np.stack([asked, -asked]) / 2
        counts, noise = rng.spawn(2)
        wanted = np.abs(asked) / law.step
        number = np.minimum(np.floor(wanted + counts.random(g.shape)), law.max_pulses)
        state, direction = self._states(law, g), np.sign(asked)
        for turn in range(int(number.max(initial=0))):
            state = pulse(law, cells, state, np.where(number > turn, direction, 0.0), noise)
        if self.synapse.unidirectional:
            state = self._refreshed(law, cells, state)
        return self._conductances(law, state)

    def _refreshed(self, law: Pulsed, cells: Cells, state: Array) -> Array:
        """Return states in which pairs with a device that is nearly full hold the same difference from the bottom."""
        low, high = law.range
        full = (state > low + FULL * (high - low)).any(axis=0)
        lowered = np.clip(state - (state.min(axis=0) - low), cells.low, cells.high)
        return np.where(full, lowered, state)

    def _leaked(self, g: Array, time: float) -> Array:
        """Return conductances after a time [s]."""
        if self.synapse.leak_tau is None:
            return g
        kept = np.exp(-time / self.synapse.leak_tau)
        return self.hardware.g_min + (g - self.hardware.g_min) * kept

    def _rounded(self, g: Array, rng: np.random.Generator) -> Array:
        step = self._window / (self.synapse.levels - 1)
        place = (g - self.hardware.g_min) / step
        kept = np.round(place) if self.synapse.rounding == "nearest" else np.floor(place + rng.random(g.shape))
        return self.hardware.g_min + step * np.clip(kept, 0, self.synapse.levels - 1)

    def _failed(self, name: str, g: Array) -> Array:
        faults = self.synapse.faults
        if not faults.any:
            return g
        place, where = (self._child(purpose, name).random(g.shape) for purpose in ("faults", "stuck"))
        edges = np.cumsum([faults.stuck_at_min, faults.stuck_at_max, faults.stuck_random])
        low, high = self.hardware.g_min, self.hardware.g_min + self._window
        g = np.where(place < edges[2], low + where * (high - low), g)
        g = np.where(place < edges[1], high, g)
        return np.where(place < edges[0], low, g)

    def _bias(self, name: str) -> Array | float:
        """Return the constant extra change of every weight at an update."""
        law = self.synapse.update
        sd = getattr(law, "bias_sd", 0.0)
        if not sd:
            return 0.0
        return sd * self._window / self.mapping.unit * self._child("bias", name).standard_normal(self.shapes[name][1:])

    def _since(self, at: float | None) -> float:
        """Return the time since programming at which devices are read, the first time if none is given [s]."""
        return (0.0 if at is None else at) + getattr(self.synapse.drift, "t0", 1.0)

    def _drawn(self, name: str) -> Cells:
        law = self.synapse.update
        if not isinstance(law, Pulsed):
            return Cells(0.0, 0.0, 0.0, 1.0)
        spread = (law.d2d_step, law.d2d_min, law.d2d_max, law.d2d_up_down)
        return draw_cells(law, self.shapes[name], self._child("cells", name)) if any(spread) else nominal(law)

    def _child(self, purpose: str, name: str) -> np.random.Generator:
        return self._streams.child(f"devices {purpose} {name}")

    @property
    def _window(self) -> float:
        assert self.hardware.g_max is not None
        return self.hardware.g_max - self.hardware.g_min

    def _per_state(self, law: Pulsed) -> float:
        """Return the conductance of one unit of state [S]."""
        return self._window / (law.range[1] - law.range[0])

    def _states(self, law: Pulsed, g: Array) -> Array:
        return law.range[0] + (g - self.hardware.g_min) / self._per_state(law)

    def _conductances(self, law: Pulsed, state: Array) -> Array:
        return np.maximum(self.hardware.g_min + (state - law.range[0]) * self._per_state(law), 0)

    def _limits(self, name: str) -> tuple[Array | float, Array | float]:
        law = self.synapse.update
        if not isinstance(law, Pulsed):
            return max(0.0, self.hardware.g_min), np.inf if self.hardware.g_max is None else self.hardware.g_max
        cells = self.cells[name]
        low, high = (self._conductances(law, np.asarray(limit)) for limit in (cells.low, cells.high))
        return low, high
