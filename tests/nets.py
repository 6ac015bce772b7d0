"""Small networks for tests, and what is often asked of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from neuroeq.contract import Params, Stop, Substrate
from neuroeq.data import load
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.spec import Network, overlay, validate
from neuroeq.learning.costs import SquaredError
from neuroeq.learning.rules import Trial, Update, contrastive, in_situ
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams

PATIENCE = 3600
"""With what takes seconds where nothing else runs, before it counts as a hang. [s]."""
COST = SquaredError()
FREE, NUDGED = Stop(40), Stop(20)


def table(*sizes: int, **over: Any) -> dict[str, Any]:
    """Return the table of a layered network, input first, with other tables laid over it."""
    names = ["input", *(f"hidden{i}" for i in range(1, len(sizes) - 1)), "output"]
    roles = ["input", *["hidden"] * (len(sizes) - 2), "output"]
    pairs = list(pairwise(names))
    positive_weights = {f"{a}_{b}": {"initial": {"scheme": "rectified_uniform", "gain": 2.0}} for a, b in pairs}
    base = {
        "title": "test",
        "name": "test",
        "data": {"name": "xor", "protocol": "whole"},
        "layers": {n: {"size": s, "role": r} for n, s, r in zip(names, sizes, roles, strict=True)},
        "projections": {f"{a}_{b}": {"source": a, "target": b, "learning_rate": 0.1} for a, b in pairs},
        "phases": {"beta": 0.5, "free": {"duration": "40 steps"}, "nudged": {"duration": "20 steps"}},
        "training": {"epochs": 2, "batch_size": 4},
        "substrate": {
            "rate": {"neuron": "hard_sigmoid", "synapse": "rate_derivative"},
            "spiking": {"neuron": "sigma_delta", "synapse": "two_trace"},
            "resistive": {"circuit": {"input_gain": 3.0, "bias_voltages": [1.0]}, "projections": positive_weights},
        },
    }
    return overlay(base, over)


def network(on: str, *sizes: int, hardware: str | None = None, made_of: Any = None, **over: Any) -> Network:
    """Return such a network, resolved for a substrate, with a table laid over its hardware."""
    settings = [{"hardware": made_of}] if made_of else []
    return resolve(validate(Network, table(*sizes, **over), "test"), on, settings, hardware)


def params_of(network: Network, seed: int = 0, scale: float = 0.5) -> Params:
    """Return random parameters, biases included, so that units are off their bounds."""
    rng = np.random.default_rng(seed)
    params = initial_params(network, rng)
    for name, value in params.items():
        if name.endswith(".bias"):
            params[name] = rng.uniform(0.1, 0.4, value.shape).astype(value.dtype)
        else:
            params[name] = scale * value
    return params


def batch_of(network: Network, m: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return random inputs and targets."""
    rng = np.random.default_rng(seed)
    sizes = network.layers[network.input_layer].size, network.layers[network.output_layer].size
    dtype = network.physics.precision
    return rng.random((m, sizes[0])).astype(dtype), rng.uniform(0.2, 0.8, (m, sizes[1])).astype(dtype)


def substrate_of(network: Network, params: Params | None = None, batch: int = 4, **options: Any) -> Substrate:
    return build(network, params_of(network) if params is None else params, batch, **options)


def trained(network: Network) -> tuple[Params, Params, Substrate]:
    """Return the parameters before and after a training, and the substrate that learned."""
    streams = Streams(0)
    state = initial_state(network, streams)
    start, substrate = dict(state.params), substrate_of(network, state.params, batch=network.training.batch_size)
    for _ in train(substrate, load(network), state, streams):
        pass
    return start, state.params, substrate


def update_of(
    substrate: Substrate,
    inputs: np.ndarray,
    targets: np.ndarray,
    nudges: list[tuple[float, float]],
    *,
    learning: str = "in_situ",
    free: Stop = FREE,
    nudged: Stop = NUDGED,
    seed: int = 2,
    **more: Any,
) -> Update:
    rule = {"in_situ": in_situ, "contrastive": contrastive}[learning]
    return rule(substrate, Trial(inputs, targets, nudges, COST, free, nudged, np.random.default_rng(seed), **more))


def centred(beta: float) -> list[tuple[float, float]]:
    return [(beta, 0.5 / beta), (-beta, -0.5 / beta)]


def positive(beta: float) -> list[tuple[float, float]]:
    return [(beta, 1 / beta)]


def flat(params: Params, names: list[str] | None = None) -> np.ndarray:
    return np.concatenate([np.ravel(params[name]) for name in names or sorted(params)])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def feedback_at(forward: np.ndarray, angle: float) -> np.ndarray:
    """Return feedback weights, (n_post, n_pre), as large as forward ones and at an angle to their transpose."""
    other = np.random.default_rng(3).normal(size=forward.shape)
    other -= forward * (other * forward).sum() / (forward**2).sum()
    other *= np.linalg.norm(forward) / np.linalg.norm(other)
    return (np.cos(np.deg2rad(angle)) * forward + np.sin(np.deg2rad(angle)) * other).T
