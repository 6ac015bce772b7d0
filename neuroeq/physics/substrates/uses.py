"""How a crossbar serves the places of a convolution: by copies of its array, or by one array that is used again.

unrolled            a copy of the array of kernels at each place, all programmed alike; all of them act all the time
time_multiplexed    one array of kernels, whose op-amps serve one place after the other; every unit has a capacitor that
                    holds its voltage meanwhile, so that one pass over all places is one discrete step of the equations

Which of them an array does, its own hardware says. A layer that an array used again leads into has an op-amp for each
channel, and any other layer one for each unit. In a pass every element acts once, for a step of the equations, and
takes the energy that it takes in an unrolled step. A unit's capacitor is charged once in a pass, from 0 V at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuroeq.describe.network import biases, free_layers
from neuroeq.describe.operators import Operator, copies, served_in_turn, used_again
from neuroeq.describe.spec import Network

Array = np.ndarray


class Uses:
    """The uses of the arrays of a crossbar.

    Parameters
    ----------
    network
        The network, resolved for a crossbar.
    operators
        Its projections and biases as linear maps.

    Attributes
    ----------
    per_step
        The number of times that arrays are used, one after the other, in a step of the equations.
    op_amps
        The number of op-amps.
    """

    def __init__(self, network: Network, operators: Mapping[str, Operator]) -> None:
        self._copies, again, in_turn = copies(network, operators), used_again(network), served_in_turn(network)
        self._how = {name: network.array(name).array.convolutions for name in network.convolutions}
        self._shared, sizes = bool(again), {layer: network.layers[layer].size for layer in free_layers(network)}
        self._units = sum(sizes.values())
        self.op_amps = sum(biases(network, each) if each in in_turn else size for each, size in sizes.items())
        self.per_step = max((operators[name].places for name in again), default=1)

    def copies(self, name: str) -> Array:
        """Return how many copies of each weight of an array, or of each bias, there are."""
        return self._copies[name]

    def averaged(
        self, watts: Mapping[str, float | None], volts: Mapping[str, Array], siemens: float
    ) -> dict[str, float | None]:
        """Return the mean power of each kind of element over a pass, for that while it acts [W].

        Parameters
        ----------
        watts
            The power of each kind of element while it acts; that of op-amps is taken all the time. [W]
        volts
            The voltages of the units, by layer: (batch, n). [V]
        siemens
            The capacitance of a unit over the length of a step. [S]
        """
        if not self._shared:
            return dict(watts)
        mean = {
            kind: power if power is None or kind == "op-amps" else power / self.per_step
            for kind, power in watts.items()
        }
        held = sum(float(np.square(each).sum(axis=1).mean()) for each in volts.values())
        return {**mean, "hold capacitors": siemens * held / self.per_step}

    def mapping(self) -> dict[str, Any]:
        """Return how each convolution is mapped to arrays, if there are any."""
        if not self._how:
            return {}
        return {
            "convolutions": self._how,
            "uses_per_step": self.per_step,
            "hold_capacitors": self._units if self._shared else 0,
        }
