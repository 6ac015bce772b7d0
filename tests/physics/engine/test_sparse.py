"""A sparse projection is the dense one with most of its weights 0, and its products are over its synapses alone."""

import numpy as np
import pytest

from neuroeq.data import load
from neuroeq.describe.edges import Edges, outer
from neuroeq.learning.training import initial_state, train
from neuroeq.randomness import Streams
from tests.nets import network, substrate_of


def test_products_over_edges_are_those_over_all_pairs():
    rng = np.random.default_rng(0)
    connected = rng.random((40, 30)) < 0.2
    edges, weight = Edges(connected), rng.normal(size=(40, 30)) * connected
    pre, post = rng.normal(size=(7, 40)), rng.normal(size=(7, 30))
    np.testing.assert_allclose((edges.matrix(weight, False) @ pre.T).T, pre @ weight, atol=1e-13)
    np.testing.assert_allclose((edges.matrix(weight, True) @ post.T).T, post @ weight.T, atol=1e-13)
    np.testing.assert_allclose(outer(edges, pre, post), connected * (pre.T @ post), atol=1e-13)


def trained(on, monkeypatch, below, directed=False, learning="contrastive"):
    monkeypatch.setattr("neuroeq.describe.edges.SPARSE_BELOW", below)
    lateral = {"source": "hidden1", "target": "hidden1", "learning_rate": 0.05, "initial": {"gain": 0.3}}
    few = {"connect": {"probability": 0.08}}
    description = network(
        on,
        *(64, 30, 10),
        data={"name": "digits", "limit": 30},
        projections={
            "input_hidden1": few,
            "hidden1_output": few,
            "lateral": {**lateral, "connect": {"probability": 0.03}, "directed": directed},
        },
        training={
            "epochs": 1,
            "batch_size": 10,
            "learning": learning,
            **({"rule": "vector_field"} if directed else {}),
        },
    )
    streams = Streams(0)
    state = initial_state(description, streams)
    start, substrate = dict(state.params), substrate_of(description, state.params, batch=10)
    assert (len(substrate.simulation.edges) == 3) == (below > 0)
    for _ in train(substrate, load(description), state, streams):
        pass
    return start, state.params


@pytest.mark.parametrize(
    ("on", "how"),
    [
        ("rate", {}),
        ("rate", {"learning": "in_situ"}),
        ("rate", {"directed": True}),
        ("spiking", {"learning": "in_situ"}),
    ],
    ids=["contrastive", "in situ", "vector field", "spiking"],
)
def test_a_sparse_training_ends_in_the_weights_of_the_dense_one(on, how, monkeypatch):
    (start, sparse), (_, dense) = (trained(on, monkeypatch, below, **how) for below in (0.1, 0.0))
    for name in dense:
        assert np.abs(dense[name] - start[name]).max() > 1e-4, name
        np.testing.assert_allclose(sparse[name], dense[name], rtol=0, atol=1e-11)
        if not name.endswith("bias"):
            assert not sparse[name][start[name] == 0].any(), "no weight where there is no synapse"
