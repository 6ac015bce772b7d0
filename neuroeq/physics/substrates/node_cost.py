"""A cost of the outputs of a resistor network as a cost of the node voltages that they are read from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroeq.contract import Cost
from neuroeq.describe.spec import Network

from ..circuits.layout import at_outputs, read_outputs

Array = np.ndarray


@dataclass(frozen=True)
class NodeCost:
    """A cost of the outputs, as a cost of the node voltages [V] that they are read from.

    Parameters
    ----------
    cost
        The cost of the outputs, which are in the network's unit.
    network
        The resistor network, whose layout says which nodes the outputs are read from.
    """

    cost: Cost
    network: Network

    def value(self, outputs: Array, targets: Array) -> Array:
        """Return the cost of each sample: (batch,)."""
        return self.cost.value(*self._read(outputs, targets))

    def gradient(self, outputs: Array, targets: Array) -> Array:
        """Return dC/dnodes: (batch, n_nodes)."""
        return at_outputs(self.network, self.cost.gradient(*self._read(outputs, targets)))

    def _read(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        volts = read_outputs(self.network, outputs)
        return volts / self.network.v_unit, targets[:, : self.network.layers[self.network.output_layer].size]
