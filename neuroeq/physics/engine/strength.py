"""The strength of each unit: sums of the weights at it, for neurons whose leak follows them.

outgoing_j         = sum of W_jk over free units k,  and of W_kj where one weight serves both directions
incoming_clamped_j = sum of W_ij over input units i, plus the bias
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.operators import Operator, operators, unit_biases
from neuroeq.describe.spec import Network, NeuronModel

Array = np.ndarray
STRENGTHS = ("outgoing", "incoming_clamped")


def strength(
    network: Network, params: Params, name: str, layer: str, maps: Mapping[str, Operator] | None = None
) -> Array:
    """Return the `outgoing` or `incoming_clamped` strength of each unit of a layer: (n,).

    Parameters
    ----------
    network
        The network, resolved for its substrate.
    params
        Parameters of the network, by name.
    name
        Which strength: ``"outgoing"`` or ``"incoming_clamped"``.
    layer
        Name of the layer.
    maps
        The projections and biases as linear maps, if they are at hand.
    """
    find = _outgoing if name == "outgoing" else _incoming_clamped
    return find(network, params, layer, maps or operators(network))


def reads_strength(model: NeuronModel) -> bool:
    """Whether a neuron model uses a strength."""
    return any(mentions(model, name) for name in STRENGTHS)


def mentions(model: NeuronModel, name: str) -> bool:
    """Whether the equations or statements of a neuron model use a name."""
    return re.search(rf"\b{name}\b", model.code) is not None


class Strengths:
    """Keeps the strengths in the variables of the units up to date.

    Parameters
    ----------
    network
        The network, resolved for its substrate.
    views
        The variables by name and layer: (batch, n), views of the simulation's own memory.
    """

    def __init__(self, network: Network, views: Mapping[tuple[str, str], Array]) -> None:
        self._network, self._views, self._maps = network, views, operators(network) if views else {}

    def hold(self, params: Params) -> None:
        """Compute the strengths of other weights."""
        for (name, layer), view in self._views.items():
            view[:] = strength(self._network, params, name, layer, self._maps)


def _outgoing(network: Network, params: Params, layer: str, maps: Mapping[str, Operator]) -> Array:
    total = np.zeros(network.layers[layer].size, network.physics.precision)
    for name, projection in network.projections.items():
        if projection.source == layer:
            total += maps[name].outgoing(params[name])
        elif projection.target == layer and network.symmetric(name):
            total += maps[name].incoming(params[name])
    return total


def _incoming_clamped(network: Network, params: Params, layer: str, maps: Mapping[str, Operator]) -> Array:
    total = np.zeros(network.layers[layer].size, network.physics.precision)
    for name, projection in network.projections.items():
        if (projection.source, projection.target) == (network.input_layer, layer):
            total += maps[name].incoming(params[name])
    return total + unit_biases(maps, params, layer)
