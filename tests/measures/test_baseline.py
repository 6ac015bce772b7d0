"""Back-propagation, which a comparison measures Equilibrium Propagation against, follows the gradient of its layers."""

import numpy as np
import pytest

from neuroeq.data import Examples, load
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import learning_rates, mask
from neuroeq.errors import SpecError
from neuroeq.learning.training import initial_state
from neuroeq.measures.backprop import FeedForward, descend, train
from neuroeq.measures.fidelity import implicit_gradient
from neuroeq.randomness import Streams
from tests.nets import COST, batch_of, network, params_of, substrate_of

SKIP = {"source": "input", "target": "output", "learning_rate": 0.1}
BACK = {"source": "hidden2", "target": "hidden1", "learning_rate": 0.1, "directed": True}
UNITS = ["hard_sigmoid", "discrete_sigmoid"]


def layered(neuron="hard_sigmoid", **projections):
    return network(
        *("rate", 5, 8, 6, 3),
        projections={"input_output": SKIP, **projections},
        substrate={"rate": {"neuron": neuron, "synapse": "rate_derivative"}},
        training={"learning": "contrastive"},
    )


@pytest.mark.parametrize("neuron", UNITS)
def test_its_gradient_is_that_of_finite_differences(neuron):
    net = layered(neuron)
    model, params, (inputs, wanted) = FeedForward(net), params_of(net), batch_of(net, 4)
    outputs, gradient = model.gradient(params, inputs, wanted)
    np.testing.assert_array_equal(outputs, model.outputs(params, inputs))
    assert set(gradient) == set(params)
    for name, value in params.items():
        for index in (0, value.size - 1):
            shifted = []
            for by in (1e-6, -1e-6):
                other = value.copy()
                other.flat[index] += by
                shifted.append(COST.value(model.outputs({**params, name: other}, inputs), wanted).mean())
            assert gradient[name].flat[index] == pytest.approx((shifted[0] - shifted[1]) / 2e-6, abs=1e-8)


@pytest.mark.parametrize("neuron", UNITS)
def test_it_is_what_rate_units_do_whose_weights_are_directed_forward(neuron):
    directed = {f"{a}_{b}": {"directed": True} for a, b in (("hidden1", "hidden2"), ("hidden2", "output"))}
    net = layered(neuron, **directed)
    params, (inputs, wanted) = params_of(net), batch_of(net, 4)
    outputs, gradient = FeedForward(net).gradient(params, inputs, wanted)
    substrate = substrate_of(net, params, plastic=False)
    np.testing.assert_allclose(outputs, substrate.relax(inputs).outputs, atol=1e-8)
    for name, value in implicit_gradient(substrate, inputs, wanted).items():
        np.testing.assert_allclose(gradient[name], value, atol=1e-8)


def test_feedback_that_is_directed_has_no_part_in_it():
    net = layered(hidden2_hidden1=BACK)
    params, (inputs, wanted) = params_of(net), batch_of(net, 4)
    assert "hidden2_hidden1" not in FeedForward(net).gradient(params, inputs, wanted)[1]


def test_an_update_is_a_step_of_the_networks_own_rates_along_the_gradient():
    net = resolve("xor", "rate", ["training.epochs=1"])
    examples, start = load(net), initial_state(net, Streams(0)).params
    inputs, _, wanted = examples.batch(examples.train, slice(None), net)
    _, gradient = FeedForward(net).gradient(start, inputs, wanted)
    after = descend(net, examples, Streams(0), {}, 1).state.params
    for name, rate in learning_rates(net).items():
        np.testing.assert_allclose(after[name], start[name] - rate * gradient[name], rtol=0, atol=1e-15)


def test_learning_rates_are_chosen_by_training_errors_alone():
    net = resolve("iris", "rate", ["training.epochs=4"])
    examples = load(net)
    best, plain = (
        train(net, examples, Streams(0)),
        descend(net, examples, Streams(0), dict.fromkeys(net.projections, 1.0), 4),
    )
    assert best.better_than(plain) and not plain.better_than(best) and set(best.factors) == set(net.projections)
    without_test = Examples(examples.train, None, None, examples.coding)
    assert train(net, without_test, Streams(0)).factors == best.factors
    again = descend(net, examples, Streams(0), best.factors, 4)
    assert [row["train_error"] for row in again.rows] == [row["train_error"] for row in best.rows]


def test_a_long_training_compares_rates_after_its_first_epochs(monkeypatch):
    monkeypatch.setattr("neuroeq.measures.backprop.TRIED", 240)
    net = resolve("iris", "rate", ["training.epochs=5"])
    assert len(train(net, load(net), Streams(0)).rows) == 5


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            lambda: layered(hidden1_hidden1={**SKIP, "source": "hidden1", "target": "hidden1"}),
            "connects 'hidden1' with",
        ),
        (lambda: layered(back={**BACK, "directed": False}), "feed forward only"),
        (lambda: layered("sigmoid"), "'hard_sigmoid' is one"),
        (lambda: resolve("deep_not", "rate"), "feed forward only"),
        (lambda: resolve("digits_binary", "rate"), "thresholds suit the changes of a learning rule"),
    ],
)
def test_a_network_without_one_is_refused_in_a_sentence(net, message):
    with pytest.raises(SpecError, match=message):
        FeedForward(net())


def test_pairs_of_units_without_a_synapse_have_no_gradient():
    net = layered(hidden1_hidden2={"connect": {"probability": 0.5}})
    params, (inputs, wanted) = params_of(net), batch_of(net, 4)
    moved = FeedForward(net).gradient(params, inputs, wanted)[1]["hidden1_hidden2"]
    connected = mask(net, "hidden1_hidden2")
    assert not moved[~connected].any() and moved[connected].any()
