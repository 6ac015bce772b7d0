"""A small random network whose units are all within their bounds, and one update of it to compare with its gradient."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from neuroeq.contract import Params, Substrate
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.spec import Network, overlay, validate
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Trial, estimate
from neuroeq.physics.substrates import build

Array = np.ndarray
SETTLED = {"duration": "20000 steps", "tolerance": 1e-13}
"""A phase that lasts until nothing moves: 1e-13 is a few roundings of float64."""

SCALE = 0.35
"""Of weights drawn by Glorot and Bengio's rule: small enough for units to stay inside."""


def layered(*sizes: int, on: str = "rate", hardware: str | None = None, **over: Any) -> Network:
    """Return a network with layers of given sizes, input first, resolved for a substrate with some changes."""
    names = ["input", *(f"hidden{i}" for i in range(1, len(sizes) - 1)), "output"]
    roles = ["input", *["hidden"] * (len(sizes) - 2), "output"]
    base = {
        "title": "small random network",
        "data": {"name": "xor", "protocol": "whole"},
        "layers": {n: {"size": s, "role": r} for n, s, r in zip(names, sizes, roles, strict=True)},
        "projections": {f"{a}_{b}": {"source": a, "target": b, "learning_rate": 0.1} for a, b in pairwise(names)},
        "phases": {"beta": 0.01, "free": SETTLED, "nudged": SETTLED},
        "training": {"learning": "contrastive", "epochs": 1, "batch_size": 4},
        "substrate": {
            "rate": {"neuron": "hard_sigmoid", "synapse": "rate_derivative"},
            "spiking": {"neuron": "sigma_delta", "synapse": "two_trace"},
            "resistive": {"circuit": {"input_gain": 3.0, "bias_voltages": [1.0]}},
        },
    }
    return resolve(validate(Network, overlay(base, over), "papers"), on, hardware=hardware)


def steps(n: int) -> dict[str, Any]:
    """Return a phase of a number of steps, which lasts that long even if the states settle before."""
    return {"duration": f"{n} steps", "tolerance": None}


def inside(network: Network, seed: int, spread: float = 0.0, **given: Array) -> Params:
    """Return weights, random unless given, and biases with which all units settle at 1/2 or near it."""
    rng = np.random.default_rng(seed)
    params = initial_params(network, rng)
    params = {name: value if name.endswith(".bias") else SCALE * value for name, value in params.items()} | given
    for layer in (name for name in network.layers if f"{name}.bias" in params):
        arriving = np.zeros_like(params[f"{layer}.bias"])
        for name, ends in network.projections.items():
            if ends.target == layer:
                arriving = arriving + params[name].sum(axis=0)
            elif ends.source == layer and not ends.directed:
                arriving = arriving + params[name].sum(axis=1)
        params[f"{layer}.bias"] = 0.5 - 0.5 * arriving + rng.uniform(-spread, spread, len(arriving))
    return params


def batch(network: Network, seed: int, m: int = 4) -> tuple[Array, Array]:
    """Return random inputs and targets that no unit has to reach its bounds for."""
    rng = np.random.default_rng(seed + 1000)
    n_input, n_output = (network.layers[layer].size for layer in (network.input_layer, network.output_layer))
    return rng.random((m, n_input)), rng.uniform(0.2, 0.8, (m, n_output))


def problem(network: Network, seed: int = 0, spread: float = 0.0) -> tuple[Any, Array, Array]:
    """Return a substrate with these parameters, together with inputs and targets."""
    return made(network, inside(network, seed, spread)), *batch(network, seed)


def made(network: Network, params: Params, m: int = 4, **options: Any) -> Any:
    """Return the substrate of a network, without compiling anything."""
    return build(network, params, m, **({} if network.kind.conductances else {"target": "numpy"}), **options)


def change(
    substrate: Substrate, inputs: Array, targets: Array, beta: float, variant: str = "centred", seed: int = 0
) -> Params:
    """Return one update by the network's own rule, before it is multiplied by learning rates."""
    chosen = substrate.network.phases.model_copy(update={"beta": beta, "variant": variant})
    rng = np.random.default_rng(seed)
    return estimate(substrate, Trial.of(substrate, inputs, targets, nudges(chosen, rng), rng)).change


def flat(params: Params) -> Array:
    """Return all entries in one array, in the order of their names."""
    return np.concatenate([np.ravel(params[name]) for name in sorted(params)])


def cosine(one: Params, other: Params) -> float:
    """Return the cosine between two updates, over the parameters of the second."""
    a, b = flat({name: one[name] for name in other}), flat(other)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def descent(gradient: Params) -> Params:
    """Return the descent direction, which is minus the gradient."""
    return {name: -value for name, value in gradient.items()}


def distance(one: Params, other: Params) -> float:
    """Return |one - other| / |other|."""
    return float(np.linalg.norm(flat(one) - flat(other)) / np.linalg.norm(flat(other)))


def slope(x: Any, y: Any) -> float:
    """Return the slope of log y over log x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
