"""From the description of a network to arrays: its synapses, their learning rates, bounds and start weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, assert_never

import numpy as np

from neuroeq.contract import Params
from neuroeq.errors import DataError, SpecError

from .spec import Hardware, Network
from .spec.convolution import Geometry, geometry_of
from .spec.graph import Initial

Array = np.ndarray


def with_full_scales(network: Network, volts: Mapping[str, float]) -> Network:
    """Return a network with the full scales that its converters were calibrated to, by layer, if there are any [V]."""
    if not volts or network.hardware is None or not network.hardware.periphery.calibrated:
        return network
    periphery = network.hardware.periphery.model_copy(update={"adc_full_scale": dict(volts)})
    return network.model_copy(update={"hardware": network.hardware.model_copy(update={"periphery": periphery})})


def nodes(network: Network, layer: str) -> int:
    """Return how many units or nodes a layer of a resolved network has on its substrate.

    In a resistor network the input layer also contains the bias sources, inputs may be doubled, and outputs may be
    paired. A convolution of the inputs sees each bias source at every place.
    """
    size = network.layers[layer].size
    if not network.kind.conductances:
        return size
    if layer == network.input_layer:
        constant = len(network.circuit.bias_voltages) * places_of_inputs(network)
        return size * (2 if network.circuit.double_inputs else 1) + constant
    return size * (2 if layer == network.output_layer and network.circuit.outputs == "paired" else 1)


def places_of_inputs(network: Network) -> int:
    """Return at how many places a bias source stands beside the inputs: 1, or where a convolution sees the inputs."""
    source = network.input_layer
    convolved = any(network.projections[name].source == source for name in network.convolutions)
    shape = network.layers[source].shape
    return shape[1] * shape[2] if convolved and shape is not None else 1


def biases(network: Network, layer: str) -> int:
    """Return how many biases a layer has on its substrate: one for each unit or node, or each channel of a shape."""
    described, size = network.layers[layer], nodes(network, layer)
    return size if described.shape is None else size // (described.shape[1] * described.shape[2])


def geometry(network: Network, projection: str) -> Geometry:
    """Return how the kernels of a convolution move over the units or nodes of a substrate.

    Doubled inputs, bias sources and paired outputs are further channels.
    """
    spec = network.projections[projection]
    described = geometry_of(spec, network.layers)
    before, after = (
        (nodes(network, layer) // (shape[1] * shape[2]), *shape[1:])
        for layer, shape in ((spec.source, described.before), (spec.target, described.after))
    )
    return replace(described, before=before, after=after)


def free_layers(network: Network) -> list[str]:
    """Return the layers that are not clamped, in the order of the file."""
    return [layer for layer in network.layers if layer != network.input_layer]


def oscillating(network: Network) -> list[str]:
    """Return the free layers whose units are phases, in the order of the file."""
    models = {layer: network.neuron(layer) for layer in free_layers(network)} if network.kind.models else {}
    return [layer for layer, model in models.items() if model is not None and model.phase]


def directed(network: Network) -> list[str]:
    """Return the projections between free layers that act in one direction only."""
    return [n for n, each in network.projections.items() if each.directed and each.source != network.input_layer]


def shape(network: Network, projection: str) -> tuple[int, int]:
    """Return the number of units at both ends of a projection: (n_pre, n_post)."""
    spec = network.projections[projection]
    return nodes(network, spec.source), nodes(network, spec.target)


def weight_shape(network: Network, projection: str) -> tuple[int, ...]:
    """Return the shape of a projection's weights: (n_pre, n_post), or (channels after, channels before, k, k)."""
    spec = network.projections[projection]
    if spec.kind == "dense":
        return shape(network, projection)
    moved = geometry(network, projection)
    return moved.after[0], moved.before[0], moved.kernel, moved.kernel


def sizes(network: Network) -> dict[str, Any]:
    """Return the settings that give a network the layers and the convolutions of this one."""
    kernels = {"kind", "kernel", "stride", "padding", "pool"}
    return {
        "layers": {
            name: {"size": layer.size, **layer.model_dump(include={"shape"}, exclude_none=True, mode="json")}
            for name, layer in network.layers.items()
        },
        "projections": {
            name: network.projections[name].model_dump(include=kernels, mode="json") for name in network.convolutions
        },
    }


def fans(network: Network, projection: str) -> tuple[int, int]:
    """Return how many weights lead into a unit of the target, and how many lead out of one of the source, at most."""
    size = weight_shape(network, projection)
    return (size[0], size[1]) if len(size) == 2 else (size[1] * size[2] * size[3], size[0] * size[2] * size[3])


def bounds(network: Network, projection: str) -> tuple[float, float] | None:
    """Return the interval that weights are kept in: the file's, cut to what the devices of a circuit can hold."""
    own = network.projections[projection].bounds
    if not network.kind.on_devices:
        return own
    hardware = network.array(projection)
    low, high = _window(hardware, network.g_unit if network.kind.conductances else None)
    if own is not None:
        low, high = max(low, own[0]), min(high, own[1])
    if low >= high:
        raise SpecError(
            f"{network.where}: projections.{projection}.bounds are {list(own or ())}, outside what the devices of "
            f"{hardware.where} hold; widen the bounds or the conductance window."
        )
    return None if (low, high) == (-np.inf, np.inf) else (low, high)


def bias_bounds(network: Network, bias: str) -> tuple[float, float] | None:
    """Return the interval that biases are kept in: what a differential pair holds, where pairs hold them."""
    if not network.kind.pairs or np.isinf(network.array(bias).w_max):
        return None
    hardware = network.array(bias)
    largest = hardware.w_max * hardware.neuron.integrator.bias_gain
    return -largest, largest


def _window(hardware: Hardware, g_unit: float | None) -> tuple[float, float]:
    """Return the interval of weights that devices hold: in units of `g_unit`, or for a crossbar if that is None."""
    if g_unit is None:
        return -hardware.w_max, hardware.w_max
    high = hardware.g_max
    return hardware.g_min / g_unit, np.inf if high is None else high / g_unit


def mask(network: Network, projection: str) -> Array | None:
    """Return which pairs of units a projection connects, as booleans (n_pre, n_post); None if it connects all.

    Lateral synapses never connect a unit with itself, and they are symmetric unless they are directed.
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
    """Return the learning rate of every projection and bias at the start of the schedule, by name."""
    rates = {name: projection.learning_rate for name, projection in network.projections.items()}
    for name, layer in network.layers.items():
        if layer.role != "input" and layer.bias:
            rate = layer.bias_learning_rate
            rates[f"{name}.bias"] = rates[network.into(name)[0]] if rate is None else rate
    return rates


def initial_params(network: Network, rng: np.random.Generator) -> Params:
    """Draw the start weights and biases of a resolved network.

    Returns
    -------
    Params
        Weights (n_pre, n_post) by projection, or (channels after, channels before, k, k), and biases (n,) by
        ``"<layer>.bias"``, in the network's precision.

    Raises
    ------
    SpecError
        If the devices of a circuit cannot hold the drawn weights.
    """
    dtype = np.dtype(network.physics.precision)
    params: Params = {}
    for name, projection in network.projections.items():
        weight = _drawn(projection.initial, weight_shape(network, name), *fans(network, name), rng)
        positive = network.kind.conductances
        within = bounds(network, name) if positive else projection.bounds
        if within is not None:
            if positive and weight.max(initial=0) > within[1]:
                raise SpecError(
                    f"{network.where}: projections.{name} starts with conductances up to {weight.max():.3g}, but "
                    f"{network.array(name).where} holds {within[1]:.3g} at most (g_max over g_unit); use a smaller "
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
            home = network.home(name)
            fan_in = fans(network, home)[0 if network.projections[home].target == layer else 1]
            size = (biases(network, layer),)
            others = size[0] - fan_in  # so that Glorot's distribution is that of as many weights as there are biases
            params[name] = _drawn(start, size, fan_in, others, rng).astype(dtype)
    return params


def opposite(network: Network, projection: str) -> str:
    """Return the name of the directed projection that runs in the opposite direction.

    Raises
    ------
    SpecError
        If there is no such projection earlier in the file.
    """
    own = network.projections[projection]
    for name, other in network.projections.items():
        if name == projection:
            break
        ends = (other.source, other.target) == (own.target, own.source)
        if ends and other.directed and own.directed and other.kind == "dense":
            return name
    raise SpecError(
        f"{network.where}: projections.{projection}.initial.angle needs a directed projection from '{own.target}' to "
        f"'{own.source}' that stands before it; add one, or leave the angle out."
    )


def angle_between(one: Array, other: Array) -> float:
    """Return the angle between two arrays of weights, taken as vectors. [degrees]."""
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip((one * other).sum() / norms, -1, 1)))) if norms else float("nan")


def _turned(weight: Array, forward: Array, angle: float) -> Array:
    """Return weights rotated to an angle [degrees] to the forward weights, with the norm that they had."""
    along = forward / np.linalg.norm(forward)
    across = weight - (weight * along).sum() * along
    across /= np.linalg.norm(across)
    return np.linalg.norm(weight) * (np.cos(np.radians(angle)) * along + np.sin(np.radians(angle)) * across)


def _drawn(initial: Initial, size: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    scheme, gain = initial.scheme, initial.gain
    match scheme:
        case "glorot_uniform":
            limit = gain * np.sqrt(6 / (fan_in + fan_out))
            return rng.uniform(-limit, limit, size)
        case "fan_in_uniform":
            limit = gain / np.sqrt(fan_in)
            return rng.uniform(-limit, limit, size)
        case "uniform":
            return rng.uniform(-gain, gain, size)
        case "rectified_uniform":
            limit = gain / np.sqrt(fan_in)
            return np.maximum(rng.uniform(-limit, limit, size), 0)
        case "normal":
            return rng.normal(0.0, gain, size)
        case "constant":
            return np.full(size, float(gain))
        case _:
            assert_never(scheme)


def check_batch(network: Network, inputs: Array, targets: Array | None, most: int) -> None:
    """Refuse a batch that does not fit a network.

    Parameters
    ----------
    network
        The network that the batch is for.
    inputs
        Input values (m, n_input), one row for each sample.
    targets
        Target values (m, n_output), or None in the free phase.
    most
        Largest number of samples that is allowed.

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
