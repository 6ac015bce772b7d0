"""Parameters that a user hands over: named and shaped as a network's, and finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuroeq.contract import Params
from neuroeq.errors import SpecError, unknown_name

from .network import biases, learning_rates, weight_shape
from .spec import Network


def param_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter of a resolved network, as its operators have them."""
    shapes = {name: weight_shape(network, name) for name in network.projections}
    layers = {name: name.removesuffix(".bias") for name in learning_rates(network) if name.endswith(".bias")}
    return shapes | {name: (biases(network, layer),) for name, layer in layers.items()}


def checked_params(network: Network, params: Mapping[str, Any], where: str = "params") -> Params:
    """Return parameters as arrays: those that are arrays of floats as they are, others in the network's precision.

    Parameters
    ----------
    network
        Resolved for its substrate.
    params
        By projection (n_pre, n_post), by ``"<layer>.bias"`` (n,).
    where
        Where they come from, for messages.

    Raises
    ------
    SpecError
        If one is missing, has the wrong shape, or holds anything but finite numbers.
    UnknownNameError
        If one is not of this network.
    """
    shapes = param_shapes(network)
    for name in params:
        if name not in shapes:
            raise unknown_name("parameter", str(name), shapes, f"{network.where} has: {', '.join(shapes)}.")
    arrays: Params = {}
    for name, expected in shapes.items():
        if name not in params:
            raise SpecError(f"{where}: '{name}' is missing; expected {', '.join(shapes)}.")
        value = np.asarray(params[name])
        if value.shape != expected or value.dtype.kind not in "fiu":
            raise SpecError(
                f"{where}: '{name}' is {value.dtype} of shape {value.shape} on '{network.substrate_name}'; expected "
                f"numbers of shape {expected}."
            )
        if not np.isfinite(value).all():
            raise SpecError(f"{where}: '{name}' holds NaN or infinite values; expected finite numbers.")
        exact = isinstance(params[name], np.ndarray) and value.dtype.kind == "f"
        arrays[name] = value if exact else value.astype(network.physics.precision)
    return arrays
