"""From a network's description to arrays: which synapses there are, how fast each learns, how they start."""

from __future__ import annotations

from typing import assert_never

import numpy as np

from neuroeq.contract import Params
from neuroeq.errors import DataError, SpecError

from .spec import Hardware, Network
from .spec.graph import Initial, Scheme

Array = np.ndarray


def nodes(network: Network, layer: str) -> int:
    """Return how many units or nodes a layer of a resolved network takes on its substrate.

    In a resistor network inputs may be doubled and stand beside bias sources, and outputs may be paired.
    """
    size = network.layers[layer].size
    if not network.kind.conductances:
        return size
    if layer == network.input_layer:
        return size * (2 if network.circuit.double_inputs else 1) + len(network.circuit.bias_voltages)
    return size * (2 if layer == network.output_layer and network.circuit.outputs == "paired" else 1)


def free_layers(network: Network) -> list[str]:
    """Return the layers that are not clamped, in the order of the file."""
    return [layer for layer in network.layers if layer != network.input_layer]


def free_weights(network: Network, params: Params) -> Array:
    """Return the weights between free units, of all layers in order: (n, n), from row to column."""
    sizes = [network.layers[layer].size for layer in free_layers(network)]
    ends = dict(zip(free_layers(network), np.cumsum(sizes), strict=True))
    at = {layer: slice(end - network.layers[layer].size, end) for layer, end in ends.items()}
    weights = np.zeros((sum(sizes), sum(sizes)))
    for name, projection in network.projections.items():
        if projection.source == network.input_layer:
            continue
        weights[at[projection.source], at[projection.target]] += params[name]
        if projection.source != projection.target and network.symmetric(name):
            weights[at[projection.target], at[projection.source]] += params[name].T
    return weights


def shape(network: Network, projection: str) -> tuple[int, int]:
    """Return the shape of a projection's weights: (n_pre, n_post)."""
    spec = network.projections[projection]
    return nodes(network, spec.source), nodes(network, spec.target)


def bounds(network: Network, projection: str) -> tuple[float, float] | None:
    """Return the interval that weights are kept in: the file's, within what a circuit's devices can hold."""
    own = network.projections[projection].bounds
    if network.hardware is None:
        return own
    low, high = _window(network.hardware, network.g_unit if network.kind.conductances else None)
    if own is not None:
        low, high = max(low, own[0]), min(high, own[1])
    if low >= high:
        raise SpecError(
            f"{network.where}: projections.{projection}.bounds are {list(own or ())}, outside what the devices of "
            f"{network.hardware.where} hold; widen the bounds or the conductance window."
        )
    return None if (low, high) == (-np.inf, np.inf) else (low, high)


def bias_bounds(network: Network) -> tuple[float, float] | None:
    """Return the interval that biases are kept in: what a differential pair holds, where pairs hold them."""
    if not network.kind.pairs or np.isinf(network.technology.w_max):
        return None
    return -network.technology.w_max, network.technology.w_max


def _window(hardware: Hardware, g_unit: float | None) -> tuple[float, float]:
    """Return what a device of a resistor network holds, in its unit; without a unit, what a differential pair does."""
    if g_unit is None:
        return -hardware.w_max, hardware.w_max
    high = hardware.g_max
    return hardware.g_min / g_unit, np.inf if high is None else high / g_unit


def mask(network: Network, projection: str) -> Array | None:
    """Return which pairs of a projection are connected: (n_pre, n_post) booleans; None for all.

    Lateral synapses connect no unit with itself, and are symmetric unless they are directed.
    """
    spec = network.projections[projection]
    size = shape(network, projection)
    lateral = spec.source == spec.target
    if spec.connect is None:
        return ~np.eye(size[0], dtype=bool) if lateral else None
    if spec.connect.edges is not None:
        connected = np.zeros(size, bool)
        pre, post = np.array(spec.connect.edges, int).reshape(-1, 2).T
        connected[pre, post] = True
    else:
        connected = np.random.default_rng(spec.connect.seed).random(size) < (spec.connect.probability or 0)
    if lateral and spec.directed:
        return connected & ~np.eye(size[0], dtype=bool)
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
    """Draw start weights and biases.

    Returns
    -------
    Params
        By projection (n_pre, n_post), by ``"<layer>.bias"`` (n,), in the precision of a resolved network.
    """
    dtype = np.dtype(network.physics.precision)
    params: Params = {}
    for name, projection in network.projections.items():
        weight = _drawn(projection.initial.scheme, projection.initial.gain, shape(network, name), rng)
        positive = network.kind.conductances
        within = bounds(network, name) if positive else projection.bounds
        if within is not None:
            if positive and weight.max(initial=0) > within[1]:
                raise SpecError(
                    f"{network.where}: projections.{name} starts with conductances up to {weight.max():.3g}, but "
                    f"{network.technology.where} holds {within[1]:.3g} at most (g_max over g_unit); use a smaller "
                    "initial.gain, or a smaller substrate.resistive.circuit.g_unit."
                )
            if positive and projection.initial.scheme == "rectified_uniform":
                weight = weight + within[0]
            weight = np.clip(weight, *within)
        connected = mask(network, name)
        if projection.source == projection.target and not projection.directed:
            weight = np.triu(weight, 1)
            weight = weight + weight.T
        if connected is not None:
            weight = weight * connected
        if projection.initial.angle is not None:
            weight = _turned(weight, params[opposite(network, name)].T, projection.initial.angle)
        if network.training.step.kind == "binary":
            weight = np.sign(weight) * np.abs(weight[weight != 0]).mean()
        params[name] = weight.astype(dtype)
    for name in learning_rates(network):
        if name.endswith(".bias"):
            layer = name.removesuffix(".bias")
            start = network.layers[layer].bias_initial or Initial(scheme="constant", gain=0)
            params[name] = _drawn(start.scheme, start.gain, (nodes(network, layer),), rng).astype(dtype)
    return params


def opposite(network: Network, projection: str) -> str:
    """Return the directed projection that runs the other way.

    Raises
    ------
    SpecError
        If there is none, or it stands later in the file.
    """
    own = network.projections[projection]
    for name, other in network.projections.items():
        if name == projection:
            break
        if other.directed and own.directed and (other.source, other.target) == (own.target, own.source):
            return name
    raise SpecError(
        f"{network.where}: projections.{projection}.initial.angle needs a directed projection from '{own.target}' to "
        f"'{own.source}' that stands before it; add one, or leave the angle out."
    )


def feedback_angles(network: Network, params: Params) -> dict[str, float]:
    """Return the angle of all feedback weights to the transpose of those that run the other way. [degrees]."""
    ends = {name: (each.source, each.target) for name, each in network.projections.items() if each.directed}
    found: dict[str, float] = {}
    seen: dict[tuple[str, str], str] = {}
    for name, (source, target) in ends.items():
        if source != target and (target, source) in seen:
            found[name] = angle_between(params[name], params[seen[target, source]].T)
        seen[source, target] = name
    return found


def angle_between(one: Array, other: Array) -> float:
    """Return the angle of two arrays of weights, as vectors. [degrees]."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip((one * other).sum() / size, -1, 1)))) if size else float("nan")


def _turned(weight: Array, forward: Array, angle: float) -> Array:
    """Return weights of the same size at an angle to others. [degrees]."""
    along = forward / np.linalg.norm(forward)
    across = weight - (weight * along).sum() * along
    across /= np.linalg.norm(across)
    return np.linalg.norm(weight) * (np.cos(np.radians(angle)) * along + np.sin(np.radians(angle)) * across)


def _drawn(scheme: Scheme, gain: float, size: tuple[int, ...], rng: np.random.Generator) -> Array:
    match scheme:
        case "glorot_uniform":
            limit = gain * np.sqrt(6 / sum(size))
            return rng.uniform(-limit, limit, size)
        case "uniform":
            return rng.uniform(-gain, gain, size)
        case "rectified_uniform":
            limit = gain / np.sqrt(size[0])
            return np.maximum(rng.uniform(-limit, limit, size), 0)
        case "normal":
            return rng.normal(0.0, gain, size)
        case "constant":
            return np.full(size, float(gain))
        case _:
            assert_never(scheme)


def check_batch(network: Network, inputs: Array, targets: Array | None, most: int) -> None:
    """Refuse a batch that does not fit a network.

    Raises
    ------
    DataError
        If inputs or targets have the wrong shape, or inputs are not finite.
    """
    n_input = network.layers[network.input_layer].size
    n_output = network.layers[network.output_layer].size
    if inputs.ndim != 2 or inputs.shape[1] != n_input or not 0 < len(inputs) <= most:
        raise DataError(f"inputs have shape {inputs.shape}; expected (batch, {n_input}) with a batch of 1 to {most}.")
    if not np.isfinite(inputs).all():
        raise DataError("inputs hold NaN or infinite values; mend the data.")
    if targets is not None and targets.shape != (len(inputs), n_output):
        raise DataError(f"targets have shape {targets.shape}; expected ({len(inputs)}, {n_output}).")
