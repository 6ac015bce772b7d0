"""The couplings between the free layers of a network, among all free units side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from neuroeq.contract import Params

from ..network import free_layers
from ..spec import Network
from .choice import operators
from .operator import Operator

Array = np.ndarray


class FreeCoupling(NamedTuple):
    """One direction of a projection between free layers.

    Parameters
    ----------
    rows, columns
        The places of the units that send, and of those that receive, among all free units.
    operator
        The projection as a linear map.
    weight
        Its weights, in double precision.
    transposed
        Whether it runs against the projection.
    """

    rows: slice
    columns: slice
    operator: Operator
    weight: Array
    transposed: bool


def free_couplings(
    network: Network, params: Params, maps: Mapping[str, Operator] | None = None
) -> Iterator[FreeCoupling]:
    """Yield the couplings between the free layers of a resolved network, in both directions where they have two.

    Parameters
    ----------
    network, params
        The network, and its parameters by name.
    maps
        The projections and biases as linear maps, if they are at hand.
    """
    sizes = [network.layers[layer].size for layer in free_layers(network)]
    ends = dict(zip(free_layers(network), np.cumsum(sizes), strict=True))
    places = {layer: slice(end - network.layers[layer].size, end) for layer, end in ends.items()}
    maps = maps or operators(network)
    for name, projection in network.projections.items():
        if projection.source == network.input_layer:
            continue
        source, target, weight = places[projection.source], places[projection.target], np.asarray(params[name], float)
        yield FreeCoupling(source, target, maps[name], weight, False)
        if projection.source != projection.target and network.symmetric(name):
            yield FreeCoupling(target, source, maps[name], weight, True)


def free_weights(network: Network, params: Params, maps: Mapping[str, Operator] | None = None) -> Array:
    """Return the weights between the units of all free layers, in order: (n, n), from the unit of the row.

    The arguments are those of `free_couplings`.
    """
    n = sum(network.layers[layer].size for layer in free_layers(network))
    weights = np.zeros((n, n))
    for each in free_couplings(network, params, maps):
        block = each.operator.matrix(each.weight)
        weights[each.rows, each.columns] += block.T if each.transposed else block
    return weights
