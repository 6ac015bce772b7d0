"""From a network's description to arrays: which synapses there are, how fast each learns, how they start."""

from __future__ import annotations

import numpy as np

from .contract import Params
from .spec import Network

Array = np.ndarray


def mask(network: Network, projection: str) -> Array | None:
    """Return which pairs of a projection are connected: (n_pre, n_post) booleans; None for all.

    Lateral synapses are symmetric and connect no unit with itself.
    """
    spec = network.projections[projection]
    shape = (network.layers[spec.source].size, network.layers[spec.target].size)
    lateral = spec.source == spec.target
    if spec.connect is None:
        return ~np.eye(shape[0], dtype=bool) if lateral else None
    if spec.connect.edges is not None:
        connected = np.zeros(shape, bool)
        pre, post = np.array(spec.connect.edges, int).reshape(-1, 2).T
        connected[pre, post] = True
    else:
        connected = np.random.default_rng(spec.connect.seed).random(shape) < (spec.connect.probability or 0)
    if lateral:
        connected = np.triu(connected | connected.T, 1)
        connected = connected | connected.T
    return connected


def learning_rates(network: Network) -> dict[str, float]:
    """Return the learning rate of every projection and bias, as at the start of the schedule."""
    rates = {name: projection.learning_rate for name, projection in network.projections.items()}
    for name, layer in network.layers.items():
        if layer.role != "input" and layer.bias:
            own = layer.bias_learning_rate
            rates[f"{name}.bias"] = rates[network.into(name)[0]] if own is None else own
    return rates


def initial_params(network: Network, rng: np.random.Generator) -> Params:
    """Draw start weights; biases are 0.

    Returns
    -------
    Params
        By projection (n_pre, n_post), by ``"<layer>.bias"`` (n,), in the precision of a resolved network.
    """
    dtype = np.dtype(network.physics.precision)
    params: Params = {}
    for name, projection in network.projections.items():
        shape = (network.layers[projection.source].size, network.layers[projection.target].size)
        weight = _drawn(projection.initial.scheme, projection.initial.gain, shape, rng)
        connected = mask(network, name)
        if projection.source == projection.target:
            weight = np.triu(weight, 1)
            weight = weight + weight.T
        if connected is not None:
            weight = weight * connected
        params[name] = (np.clip(weight, *projection.bounds) if projection.bounds else weight).astype(dtype)
    for name in learning_rates(network):
        if name.endswith(".bias"):
            params[name] = np.zeros(network.layers[name.removesuffix(".bias")].size, dtype)
    return params


def _drawn(scheme: str, gain: float, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    match scheme:
        case "glorot_uniform":
            limit = gain * np.sqrt(6 / sum(shape))
            return rng.uniform(-limit, limit, shape)
        case "uniform":
            return rng.uniform(-gain, gain, shape)
        case "normal":
            return rng.normal(0.0, gain, shape)
        case _:
            return np.full(shape, gain)
