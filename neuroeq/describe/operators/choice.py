"""Which operator a projection of a network is."""

from __future__ import annotations

from collections.abc import Mapping

from ..network import biases, geometry, learning_rates, mask, nodes, shape
from ..spec import Network
from .biases import Biases
from .convolution import Convolution
from .dense import Dense
from .operator import Operator
from .sparse import SPARSE_BELOW, Sparse


def operators(network: Network) -> dict[str, Operator]:
    """Return the operator of every projection and of the biases of every layer, of a resolved network, by name."""
    found: dict[str, Operator] = {name: _of_projection(network, name) for name in network.projections}
    for name in learning_rates(network):
        if name not in found:
            layer = name.removesuffix(".bias")
            found[name] = Biases(biases(network, layer), nodes(network, layer))
    return found


def copies(network: Network, maps: Mapping[str, Operator]) -> dict[str, int]:
    """Return how many copies of each weight or bias a crossbar builds: one, where an array is used again."""
    again = bool(network.convolutions) and network.technology.array.convolutions == "time_multiplexed"
    return {name: 1 if again else each.copies for name, each in maps.items()}


def _of_projection(network: Network, name: str) -> Operator:
    projection = network.projections[name]
    if projection.kind == "conv":
        return Convolution(geometry(network, name))
    connected = None if projection.connect is None else mask(network, name)
    if connected is not None and connected.mean() < SPARSE_BELOW:
        return Sparse(connected)
    return Dense(*shape(network, name))
