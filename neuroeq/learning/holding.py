"""Where the weights of a training are held: in memory, or in the devices of a circuit."""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import bounds
from neuroeq.describe.spec import Network
from neuroeq.physics.devices import Chip
from neuroeq.randomness import Streams

Array = np.ndarray


class Holding:
    """The weights of a network between its updates.

    Parameters
    ----------
    network
        Resolved.
    params
        The weights at first, or those that the devices are known to hold.
    held
        What the devices hold, if that is known; filled and changed here.
    streams
        Of the run.
    """

    def __init__(self, network: Network, params: Params, held: dict[str, Array], streams: Streams) -> None:
        chip = Chip(network, params, streams) if network.hardware is not None else None
        self.chip = None if chip is None or chip.plain else chip
        self.params, self._held = _within(network, params), held
        if self.chip is not None:
            if not held:
                held.update(self.chip.write(params, streams.child("write")))
            self.params = self.chip.weights(held, params)

    def acting(self, rng: np.random.Generator, at: float | None = None) -> Params:
        """Return the weights as they act, at a time after programming [s]."""
        return self.params if self.chip is None else self.chip.acting(self._held, self.params, rng, at)

    def change(self, wanted: Params, rng: np.random.Generator) -> None:
        """Ask for other weights."""
        if self.chip is not None:
            self._held.update(self.chip.update(self._held, self.params, wanted, rng))
            wanted = self.chip.weights(self._held, wanted)
        self.params = wanted


def _within(network: Network, params: Params) -> Params:
    """Return conductances within the window of a resistor network's devices; other weights as they are."""
    if not network.resistive:
        return params
    within = dict(params)
    for name in network.projections:
        window = bounds(network, name)
        if window is not None:
            within[name] = np.clip(params[name], *window)
    return within
