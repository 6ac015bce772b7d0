"""The weights of a network during training: kept in memory, or in the devices of a circuit."""

from __future__ import annotations

import numpy as np

from neuroeq.contract import OnDevices, Params
from neuroeq.describe.network import bounds
from neuroeq.describe.spec import Network
from neuroeq.physics.devices import Chip
from neuroeq.randomness import Streams

from .state import State

Array = np.ndarray


class WeightStore:
    """Keep the weights of a network between its updates.

    Parameters
    ----------
    network
        The resolved network whose weights are kept.
    params
        The weights to start from, by name; if the devices are programmed already, the weights that they hold.
    held
        Conductances of the devices, by array: (devices of a weight, n_pre, n_post) [S]. An empty dictionary is filled
        by programming `params`. It is updated in place as the weights change.
    streams
        Random numbers of the run, for the devices of the chip and the noise of programming.

    Attributes
    ----------
    chip
        The devices; None if they hold exactly what is written.
    params
        The weights as they are now, by name.
    """

    def __init__(self, network: Network, params: Params, held: dict[str, Array], streams: Streams) -> None:
        chip = Chip(network, params, streams) if network.kind.on_devices else None
        self.chip = None if chip is None or chip.plain else chip
        self.params, self._held = _within(network, params), held
        if self.chip is not None:
            if not held:
                held.update(self.chip.write(params, streams.child("write")))
            self.params = self.chip.weights(held, params)

    @classmethod
    def of(cls, network: Network, state: State, streams: Streams) -> WeightStore:
        """Return the weights of a training; devices that were not programmed yet are, and the state then has them."""
        return cls(network, state.params, state.devices, streams)

    def effective(self, rng: np.random.Generator, at: float | None = None) -> Params:
        """Return the weights as they act on the network, with drift and the noise of reading.

        Parameters
        ----------
        rng
            The generator of the noise of reading.
        at
            The time since programming [s]; None for right after it.
        """
        return self.params if self.chip is None else self.chip.acting(self._held, self.params, rng, at)

    @property
    def held(self) -> OnDevices:
        """The weights as they are held, with the conductances of the devices where these are simulated."""
        return OnDevices(self.params, {} if self.chip is None else self.chip.conductances(self._held))

    def change(self, wanted: Params, rng: np.random.Generator) -> None:
        """Write weights, and keep what the devices then hold.

        Parameters
        ----------
        wanted
            The weights that the optimiser asks for, by name.
        rng
            The generator of the noise of programming.
        """
        if self.chip is not None:
            self._held.update(self.chip.update(self._held, self.params, wanted, rng))
            wanted = self.chip.weights(self._held, wanted)
        self.params = _read_only(wanted)


def _within(network: Network, params: Params) -> Params:
    """Return the weights, clipped to the conductance window of the devices if this is a resistor network."""
    if not network.kind.conductances:
        return params
    within = dict(params)
    for name in network.projections:
        window = bounds(network, name)
        if window is not None:
            within[name] = np.clip(params[name], *window)
    return within


def _read_only(params: Params) -> Params:
    """Make new arrays read-only, so that a substrate can hold them without a copy."""
    for value in params.values():
        if value.base is None:
            value.flags.writeable = False
    return params
