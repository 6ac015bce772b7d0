"""Which operator a projection of a network is."""

from __future__ import annotations

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


def _of_projection(network: Network, name: str) -> Operator:
    projection = network.projections[name]
    if projection.kind == "conv":
        return Convolution(geometry(network, name))
    connected = None if projection.connect is None else mask(network, name)
    if connected is not None and connected.mean() < SPARSE_BELOW:
        return Sparse(connected)
    return Dense(*shape(network, name))
