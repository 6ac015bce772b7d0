"""The devices of one array of weights: their spread, how they are written and pulsed, and how they act.

What belongs to the chip is drawn once, and only when it is asked for.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from neuroeq.describe.spec import Hardware
from neuroeq.describe.spec.device import Pulsed
from neuroeq.describe.spec.programming import Pulses
from neuroeq.randomness import Streams

from .laws import Cells, draw_cells, granule, nominal, pulses
from .mapping import Mapping
from .noise import drifted, programming_sd, read_sd

Array = np.ndarray
FULL = 0.9
"""Fraction of its range above which a unidirectional device counts as full and is rewritten."""


class DeviceArray:
    """The devices of an array of weights.

    Parameters
    ----------
    name
        The name of the array, which its random numbers are drawn by.
    hardware
        The technology of the devices.
    mapping
        The mapping between weights and conductances.
    shape
        (devices of a weight, n_pre, n_post).
    streams
        The random streams of the run, whose seed is that of the chip.
    """

    def __init__(
        self, name: str, hardware: Hardware, mapping: Mapping, shape: tuple[int, ...], streams: Streams
    ) -> None:
        self.name, self.shape, self.mapping = name, shape, mapping
        self.hardware, self.synapse, self.law = hardware, hardware.synapse, hardware.synapse.update
        self._streams = streams
        self._beside: dict[str, DeviceArray] = {}

    @property
    def plain(self) -> bool:
        """Whether its devices hold and do exactly what they are asked for."""
        synapse = self.synapse
        noisy = (synapse.programming_noise, synapse.read_noise, synapse.drift, synapse.leak_tau)
        return (
            synapse.update.exact
            and isinstance(synapse.programming, Pulses)
            and not any(noisy)
            and not synapse.levels
            and not synapse.faults.any
            and not synapse.v_th_sd
        )

    def child(self, purpose: str) -> np.random.Generator:
        """Return the random numbers of this array for a purpose."""
        return self._streams.child(f"devices {purpose} {self.name}")

    def beside(self, name: str) -> DeviceArray:
        """Return another array of such devices, with a spread of its own."""
        if name not in self._beside:
            of = f"{self.name} {name}"
            self._beside[name] = DeviceArray(of, self.hardware, self.mapping, self.shape, self._streams)
        return self._beside[name]

    @cached_property
    def cells(self) -> Cells:
        """The numbers that each device has of its own."""
        law = self.law
        if not isinstance(law, Pulsed):
            return Cells(0.0, 0.0, 0.0, 1.0)
        spread = (law.d2d_step, law.d2d_min, law.d2d_max, law.d2d_up_down)
        return draw_cells(law, self.shape, self.child("cells")) if any(spread) else nominal(law)

    @property
    def granularity(self) -> float:
        """The change of a weight that one pulse is worth on average, or that programming can resolve."""
        if isinstance(self.law, Pulsed):
            return (
                granule(self.law, self.synapse.unidirectional, self.synapse.rest) * self._per_state / self.mapping.unit
            )
        return self._resolution / self.mapping.unit

    @property
    def _resolution(self) -> float:
        """The difference of conductances that programming can resolve [S]."""
        if self.hardware.g_max is None:
            return 0.0
        middle = np.asarray((self.hardware.g_min + self.hardware.g_max) / 2)
        noise = self.synapse.programming_noise
        spread = 0.0 if noise is None else 2 * float(programming_sd(noise, middle, self.hardware.g_max))
        levels = self._window / (self.synapse.levels - 1) if self.synapse.levels else 0.0
        return max(spread, levels, 2 * getattr(self.law, "tolerance", 0.0) * self._window)

    def written(self, weight: Array, rng: np.random.Generator) -> Array:
        """Return the conductances of devices that weights were programmed into, one after the other [S]."""
        g = self.mapping.conductances(np.asarray(weight, float))
        levels, noise, verify = rng.spawn(3)
        g = np.clip(g, self.hardware.g_min, self.hardware.g_max)
        if self.synapse.levels:
            g = self._rounded(g, levels)
        if not self.law.exact:
            g = self.law.landed(g, self._window, verify)
        if self.synapse.programming_noise is not None:
            sd = programming_sd(self.synapse.programming_noise, g, self.hardware.g_max or float(g.max()))
            g = g + sd * noise.standard_normal(g.shape)
        return self.failed(np.clip(g, *self._limits))

    def apportioned(self, change: Array) -> Array:
        """Return the pulses of each device for a change of the weights, on average: (devices, n_pre, n_post)."""
        assert isinstance(self.law, Pulsed)
        asked = self.mapping.unit * np.asarray(change, float) / (self._per_state * self.law.step)
        if self.mapping.devices == 1:
            return asked[None]
        if self.synapse.unidirectional:
            return np.stack([np.maximum(asked, 0), np.maximum(-asked, 0)])
        return np.stack([asked, -asked]) / 2

    def shared(self, number: Array, rng: np.random.Generator) -> Array:
        """Return the pulses of each device that move weights by whole numbers of granules, shared by a pair."""
        if self.mapping.devices == 1:
            return number[None]
        if self.synapse.unidirectional:
            return np.stack([np.maximum(number, 0), np.maximum(-number, 0)])
        size = np.floor(np.abs(number) / 2)
        extra = np.abs(number) - 2 * size
        first = rng.random(number.shape) < 0.5
        return np.sign(number) * np.stack([size + extra * first, -(size + extra * ~first)])

    def chanced(self, asked: Array, rng: np.random.Generator) -> Array:
        """Return whole numbers of pulses, fractions left to chance, not more than the law allows at one update."""
        assert isinstance(self.law, Pulsed)
        number = np.floor(np.abs(asked) + rng.random(asked.shape))
        return np.sign(asked) * np.minimum(number, self.law.max_pulses)

    def pulsed(self, g: Array, number: Array, rng: np.random.Generator) -> Array:
        """Return conductances after whole numbers of pulses of each device, up where positive [S]."""
        law = self.law
        assert isinstance(law, Pulsed)
        state = pulses(law, self.cells, self.states(g), number, rng)
        if self.synapse.unidirectional:
            state = self._refreshed(law, state)
        return self._conductances(state)

    def missed(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return how far conductances are from their states after pulses, which goes with the next pulse only [S]."""
        assert isinstance(self.law, Pulsed)
        return self.law.write_noise * self.law.step * self._per_state * rng.standard_normal(shape)

    def _refreshed(self, law: Pulsed, state: Array) -> Array:
        """Return states in which pairs with a device that is nearly full hold the same difference from rest."""
        low, high = law.range
        rest = low + self.synapse.rest * (high - low)
        full = state > low + FULL * (high - low)
        if not full.any():
            return state
        lowered = np.clip(state - (state.min(axis=0) - rest), self.cells.low, self.cells.high)
        return np.where(full.any(axis=0), lowered, state)

    def acting(self, g: Array, rng: np.random.Generator, at: float | None = None) -> Array:
        """Return conductances as they act: thresholds, drift until `at` after programming [s], noise of reading [S]."""
        programmed, g_max = g, self.hardware.g_max or 0.0
        if self.synapse.v_th_sd:
            g = g - (self.synapse.beta or 0.0) * self.synapse.v_th_sd * self._threshold
        if self.synapse.drift is not None and at is not None:
            g = drifted(self.synapse.drift, g, g_max or g.max(), at, self.child("drift").standard_normal(g.shape))
        if self.synapse.leak_tau is not None and at is not None:
            g = self.leaked(g, at)
        reading = rng.spawn(2)[0]  # of two, so that a seed stays the chip that it was
        if self.synapse.read_noise is not None:
            sd = read_sd(self.synapse.read_noise, g, g_max or float(g.max()), self._since(at), programmed)
            g = g + sd * reading.standard_normal(g.shape)
        return np.maximum(g, 0)

    def leaked(self, g: Array, time: float) -> Array:
        """Return conductances after a time [s]."""
        if self.synapse.leak_tau is None:
            return g
        kept = np.exp(-time / self.synapse.leak_tau)
        return self.hardware.g_min + (g - self.hardware.g_min) * kept

    def failed(self, g: Array) -> Array:
        """Return conductances in which the stuck devices are where they are stuck [S]."""
        faults = self.synapse.faults
        if not faults.any:
            return g
        place, where = self._stuck
        edges = np.cumsum([faults.stuck_at_min, faults.stuck_at_max, faults.stuck_random])
        low, high = self.hardware.g_min, self.hardware.g_min + self._window
        g = np.where(place < edges[2], low + where * (high - low), g)
        g = np.where(place < edges[1], high, g)
        return np.where(place < edges[0], low, g)

    @cached_property
    def bias(self) -> Array | float:
        """The constant extra change of every weight at an update."""
        sd = getattr(self.law, "bias_sd", 0.0)
        if not sd:
            return 0.0
        return sd * self._window / self.mapping.unit * self.child("bias").standard_normal(self.shape[1:])

    def states(self, g: Array) -> Array:
        """Return the states of pulsed devices that have conductances g [S]."""
        assert isinstance(self.law, Pulsed)
        return self.law.range[0] + (g - self.hardware.g_min) / self._per_state

    def _conductances(self, state: Array) -> Array:
        assert isinstance(self.law, Pulsed)
        return np.maximum(self.hardware.g_min + (state - self.law.range[0]) * self._per_state, 0)

    def _rounded(self, g: Array, rng: np.random.Generator) -> Array:
        step = self._window / (self.synapse.levels - 1)
        place = (g - self.hardware.g_min) / step
        kept = np.round(place) if self.synapse.rounding == "nearest" else np.floor(place + rng.random(g.shape))
        return self.hardware.g_min + step * np.clip(kept, 0, self.synapse.levels - 1)

    def _since(self, at: float | None) -> float:
        """Return the time since programming at which devices are read, the first time if none is given [s]."""
        return (0.0 if at is None else at) + getattr(self.synapse.drift, "t0", 1.0)

    @cached_property
    def _threshold(self) -> Array:
        """How far each threshold is from the mean one, in standard deviations."""
        return self.child("threshold").standard_normal(self.shape)

    @cached_property
    def _stuck(self) -> tuple[Array, Array]:
        """Numbers from 0 to 1 by which each device is stuck, and by which it is anywhere in the window."""
        return self.child("faults").random(self.shape), self.child("stuck").random(self.shape)

    @property
    def _window(self) -> float:
        assert self.hardware.g_max is not None
        return self.hardware.g_max - self.hardware.g_min

    @property
    def _per_state(self) -> float:
        """The conductance of one unit of state [S]."""
        assert isinstance(self.law, Pulsed)
        return self._window / (self.law.range[1] - self.law.range[0])

    @property
    def _limits(self) -> tuple[Array | float, Array | float]:
        if not isinstance(self.law, Pulsed):
            return max(0.0, self.hardware.g_min), np.inf if self.hardware.g_max is None else self.hardware.g_max
        return self._conductances(np.asarray(self.cells.low)), self._conductances(np.asarray(self.cells.high))
