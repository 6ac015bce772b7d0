"""Which operator a projection of a network is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..network import biases, geometry, learning_rates, mask, nodes, shape
from ..spec import Network
from .biases import Biases
from .convolution import Convolution
from .dense import Dense
from .operator import Operator
from .sparse import SPARSE_BELOW, Sparse

Array = np.ndarray


def operators(network: Network) -> dict[str, Operator]:
    """Return the operator of every projection and of the biases of every layer, of a resolved network, by name."""
    found: dict[str, Operator] = {name: _of_projection(network, name) for name in network.projections}
    for name in learning_rates(network):
        if name not in found:
            layer = name.removesuffix(".bias")
            found[name] = Biases(biases(network, layer), nodes(network, layer))
    return found


def copies(network: Network, maps: Mapping[str, Operator]) -> dict[str, Array]:
    """Return how many copies of each weight or bias a circuit builds, in the shape of the weights.

    A resistor network has one for each pair of nodes, and a crossbar for each place, padding included, or one that is
    used again.
    """
    if not network.kind.pairs:
        return {name: each.synapses for name, each in maps.items()}
    again = {*used_again(network), *(f"{layer}.bias" for layer in served_in_turn(network))}
    return {name: np.broadcast_to(1 if name in again else each.copies, each.shape) for name, each in maps.items()}


def used_again(network: Network) -> list[str]:
    """Return the convolutions of a crossbar whose array is used again at each place."""
    return [name for name in network.convolutions if network.array(name).array.convolutions == "time_multiplexed"]


def served_in_turn(network: Network) -> set[str]:
    """Return the layers of a crossbar whose op-amps serve one place after the other, since an array used again does."""
    return {network.projections[name].target for name in used_again(network)}


def _of_projection(network: Network, name: str) -> Operator:
    projection = network.projections[name]
    if projection.kind == "conv":
        return Convolution(geometry(network, name))
    connected = None if projection.connect is None else mask(network, name)
    if connected is not None and connected.mean() < SPARSE_BELOW:
        return Sparse(connected)
    return Dense(*shape(network, name))
