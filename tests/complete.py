"""Complete directed graphs for tests: inputs to all, hidden and output units to all others."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.spec import Network
from tests.nets import network

ENDS = {
    "input_hidden1": ("input", "hidden1"),
    "input_output": ("input", "output"),
    "hidden1_hidden1": ("hidden1", "hidden1"),
    "hidden1_output": ("hidden1", "output"),
    "output_hidden1": ("output", "hidden1"),
    "output_output": ("output", "output"),
}


def complete(*sizes: int, count_clamped: float = 0, **over: Any) -> Network:
    """Return a DEEP network of inputs, hidden units and outputs, on rates."""
    projections = {
        name: {"source": source, "target": target, "learning_rate": 0.1, "directed": source != "input"}
        for name, (source, target) in ENDS.items()
    }
    physics = {"neuron": "deep", "synapse": "deep_stdp", "neuron_parameters": {"count_clamped": count_clamped}}
    return network("rate", *sizes, projections=projections, substrate={"rate": physics}, **over)


def matrix(params: Params, sizes: tuple[int, int, int]) -> np.ndarray:
    """Return all weights as one matrix, W[i, j] from i to j, over inputs, a bias unit, hidden units and outputs."""
    n_in, n_hidden, n_out = sizes
    at = {"input": slice(0, n_in), "hidden1": slice(n_in + 1, n_in + 1 + n_hidden), "output": slice(-n_out, None)}
    whole = np.zeros((n_in + 1 + n_hidden + n_out,) * 2)
    for name, (source, target) in ENDS.items():
        whole[at[source], at[target]] = params[name]
    for layer in ("hidden1", "output"):
        whole[n_in, at[layer]] = params[f"{layer}.bias"]
    return whole


def split(whole: np.ndarray, sizes: tuple[int, int, int]) -> Params:
    """Return the parameters of a matrix; the inverse of `matrix`."""
    n_in, n_hidden, n_out = sizes
    at = {"input": slice(0, n_in), "hidden1": slice(n_in + 1, n_in + 1 + n_hidden), "output": slice(-n_out, None)}
    params = {name: whole[at[source], at[target]].copy() for name, (source, target) in ENDS.items()}
    return params | {f"{layer}.bias": whole[n_in, at[layer]].copy() for layer in ("hidden1", "output")}


def random_weights(
    sizes: tuple[int, int, int], seed: int = 0, scale: float = 1.0, *, symmetric: bool = False
) -> Params:
    """Return weights of either sign; or symmetric ones that are not negative."""
    rng = np.random.default_rng(seed)
    n, clamped = sum(sizes) + 1, sizes[0] + 1
    whole = rng.normal(0, scale, (n, n))
    if symmetric:
        whole = np.abs(whole + whole.T)
    np.fill_diagonal(whole, 0)
    whole[:, :clamped] = 0
    return split(whole, sizes)
