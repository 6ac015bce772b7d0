"""A sparse projection is the dense one with most of its weights 0, and its products are over its synapses alone."""

import numpy as np
import pytest

from neuroeq.describe.operators import Sparse
from neuroeq.describe.spec import overlay
from neuroeq.learning.trainers import choose
from neuroeq.physics.engine.compiled.support import sparse_products
from tests.nets import network, trained


def test_products_over_edges_are_those_over_all_pairs():
    rng = np.random.default_rng(0)
    connected = rng.random((40, 30)) < 0.2
    sparse, weight = Sparse(connected), rng.normal(size=(40, 30)) * connected
    pre, post = rng.normal(size=(7, 40)), rng.normal(size=(7, 30))
    drive, back = np.empty((7, 30)), np.empty((7, 40))
    sparse.bound(weight)(pre, drive)
    sparse.bound(weight, transposed=True)(post, back)
    np.testing.assert_allclose(drive, pre @ weight, atol=1e-13)
    np.testing.assert_allclose(back, post @ weight.T, atol=1e-13)
    np.testing.assert_allclose(sparse.outer(pre, post), connected * (pre.T @ post), atol=1e-13)


def trained_on(on, monkeypatch, below, directed=False, learning="contrastive"):
    monkeypatch.setattr("neuroeq.describe.operators.choice.SPARSE_BELOW", below)
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
    start, end, substrate = trained(description)
    sparse = [each for each in substrate.simulation.operators.values() if isinstance(each, Sparse)]
    assert (len(sparse) == 3) == (below > 0)
    return start, end


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
    (start, sparse), (_, dense) = (trained_on(on, monkeypatch, below, **how) for below in (0.1, 0.0))
    for name in dense:
        assert np.abs(dense[name] - start[name]).max() > 1e-4, name
        np.testing.assert_allclose(sparse[name], dense[name], rtol=0, atol=1e-11)
        if not name.endswith("bias"):
            assert not sparse[name][start[name] == 0].any(), "no weight where there is no synapse"


COMPILED = {
    "contrast": {
        "learning": "contrastive",
        "training": {"momentum": 0.5, "weight_decay": 0.1, "l1": 1e-4},
        "projections": {"input_hidden1": {"bounds": [0.05, 0.4]}},
    },
    "in situ, every step": {"phases": {"variant": "positive"}, "training": {"update": "every_step"}},
    "pruned spikes": {"on": "spiking", "training": {"prune": {"below": 0.05, "temperature": 5}}},
    "phases of a crossbar of 0.3 V": {
        "on": "crossbar",
        "learning": "contrastive",
        "training": {"rule": "coupled_learning"},
        "made_of": {"neuron": {"integrator": {"v_scale": "0.3 V"}}},
    },
}


@pytest.mark.compiled
@pytest.mark.usefixtures("compiler")
@pytest.mark.filterwarnings("ignore::neuroeq.errors.NeuroeqWarning")
@pytest.mark.parametrize("over", [pytest.param(over, id=name) for name, over in COMPILED.items()])
def test_compiled_sparse_products_end_in_the_weights_of_the_stepper(over, monkeypatch):
    """From the inputs, to the outputs and back, and within a layer; with a last batch that is smaller than others."""
    monkeypatch.setattr("neuroeq.physics.engine.compiled.support.LARGE", 0)
    over, ends = dict(over), []
    on, learning = over.pop("on", "rate"), over.pop("learning", "in_situ")
    for engine in ("stepper", "compiled"):
        few, short = {"connect": {"probability": 0.08}}, {"duration": "12 steps"}
        lateral = {"source": "hidden1", "target": "hidden1", "learning_rate": 0.05, "initial": {"gain": 0.3}}
        lateral["connect"] = {"probability": 0.03}
        base = {
            "data": {"name": "digits", "limit": 30},
            "projections": {"input_hidden1": few, "hidden1_output": few, "lateral": lateral},
            "phases": {"free": short, "nudged": short},
            "training": {"epochs": 1, "batch_size": 9, "learning": learning},
            "run": {"engine": engine},
        }
        description = network(on, *(64, 30, 10), **overlay(base, over))
        assert len(sparse_products(description)) == 3
        assert engine == "stepper" or choose(description, 0).trainer.startswith("compiled")
        start, end, _ = trained(description)
        ends.append(end)
    for name, before in start.items():
        assert np.abs(ends[0][name] - before).max() > 1e-5, name
        np.testing.assert_allclose(ends[1][name], ends[0][name], rtol=0, atol=1e-12)
