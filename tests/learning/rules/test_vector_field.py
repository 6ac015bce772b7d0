"""Directed weights and the vector-field rule: what it computes, where it is the gradient, and where it is not."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.describe.catalog import resolve
from neuroeq.describe.spec import Network, validate
from neuroeq.errors import SpecError
from neuroeq.learning.rules import Trial, vector_field
from neuroeq.measures.fidelity import finite_differences, implicit_gradient
from neuroeq.physics.substrates.stability import jacobian
from tests.nets import (
    COST,
    batch_of,
    centred,
    cosine,
    feedback_at,
    flat,
    network,
    params_of,
    positive,
    substrate_of,
    table,
    update_of,
)
from tests.physics.substrates.test_spiking import SIZES, inner_problem

SETTLED = Stop(20000, 1e-13)
BACK = {
    "projections": {
        "hidden1_output": {"directed": True},
        "output_hidden1": {"source": "output", "target": "hidden1", "directed": True, "learning_rate": 0.1},
    },
    "training": {"learning": "contrastive", "rule": "vector_field"},
}


def directed(angle=90.0, on="rate", **options):
    """Return a network with feedback weights at an angle to the forward ones, every unit inside its bounds."""
    params, inputs, targets = inner_problem(0)
    net = network(on, *SIZES, **BACK)
    params = {**params, "output_hidden1": feedback_at(params["hidden1_output"], angle)}
    return substrate_of(net, params, **options), inputs, targets


def estimate(substrate, inputs, targets, nudges):
    rng = np.random.default_rng(0)
    mode = substrate.network.nudge
    return vector_field(substrate, Trial(inputs, targets, nudges, COST, SETTLED, SETTLED, rng, mode=mode)).change


@pytest.mark.parametrize("on", ["rate", "crossbar"])
def test_directed_weights_with_equal_ways_are_the_symmetric_network(on):
    substrate, inputs, _ = directed(0.0, on)
    symmetric = substrate_of(network(on, *SIZES), {n: v for n, v in substrate.params.items() if n != "output_hidden1"})
    one, two = (each.relax(inputs, stop=Stop(50)) for each in (substrate, symmetric))
    for layer in one.state:
        np.testing.assert_allclose(one.state[layer], two.state[layer], rtol=0, atol=1e-13)


def test_a_crossbar_of_directed_weights_is_the_rate_network():
    rate, inputs, _ = directed(70.0)
    crossbar = directed(70.0, "crossbar")[0]
    one, two = (each.relax(inputs, stop=Stop(60)) for each in (rate, crossbar))
    for layer in one.state:
        np.testing.assert_allclose(one.state[layer], two.state[layer], rtol=0, atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 45.0, 90.0])
def test_the_adjoint_is_the_gradient_of_directed_networks(angle):
    substrate, inputs, targets = directed(angle)
    adjoint = implicit_gradient(substrate, inputs, targets)
    entries = {name: np.arange(value.size) for name, value in adjoint.items()}
    differences = finite_differences(substrate, inputs, targets, entries)
    for name, value in adjoint.items():
        np.testing.assert_allclose(value.ravel(), differences[name], rtol=0, atol=1e-6 * np.abs(value).max() + 1e-9)


@pytest.mark.parametrize("angle", [0.0, 60.0, 90.0])
def test_the_rule_has_the_transposed_jacobian_of_the_gradient(angle):
    """-(dC/ds)^T Jac^-T dmu/dtheta, with dmu_j/dW_ij = a_i for units inside their bounds."""
    substrate, inputs, targets = directed(angle)
    probe = substrate_of(substrate.network, substrate.params, 64)
    free = probe.relax(inputs, stop=SETTLED)
    found = estimate(substrate, inputs, targets, centred(1e-4))
    expected = np.zeros_like(found["input_hidden1"])
    for sample in range(len(inputs)):
        pull = np.concatenate([np.zeros(SIZES[1]), COST.gradient(free.outputs, targets)[sample]])
        moved = np.linalg.solve(jacobian(probe, free, sample), pull)[: SIZES[1]]
        expected += np.outer(inputs[sample], moved) / len(inputs)
    np.testing.assert_allclose(found["input_hidden1"], expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_it_is_the_gradient_only_where_the_jacobian_is_symmetric():
    cosines = []
    for angle in (0.0, 45.0, 90.0):
        substrate, inputs, targets = directed(angle)
        found = estimate(substrate, inputs, targets, centred(1e-4))
        true = implicit_gradient(substrate, inputs, targets)
        names = ["input_hidden1", "hidden1.bias"]
        cosines.append(cosine(flat(found, names), -flat(true, names)))
    assert cosines[0] > 1 - 1e-6
    assert cosines[0] > cosines[1] + 1e-3 > cosines[2] + 2e-3


def test_symmetric_weights_get_the_sum_of_both_ways_which_is_the_energys_contrast_to_first_order():
    params, inputs, targets = inner_problem(1)
    substrate = substrate_of(network("rate", *SIZES, training={"learning": "contrastive"}), params)
    field = estimate(substrate, inputs, targets, positive(1e-4))
    energy = update_of(
        substrate, inputs, targets, positive(1e-4), learning="contrastive", free=SETTLED, nudged=SETTLED
    ).change
    for name in field:
        np.testing.assert_allclose(field[name], energy[name], rtol=0, atol=1e-3 * np.abs(energy[name]).max())


def test_as_a_synapse_equation_it_is_the_same_to_first_order():
    """dw/dt ~ rho_pre drho_post/dt, integrated by Brian2 in the nudged phase."""
    substrate, inputs, targets = directed(60.0)
    over = {**BACK, "training": {"learning": "in_situ"}, "substrate": {"rate": {"synapse": "vector_field"}}}
    in_place = substrate_of(network("rate", *SIZES, **over), substrate.params)
    long = Stop(2000)
    one = estimate(substrate, inputs, targets, positive(1e-3))
    two = update_of(in_place, inputs, targets, positive(1e-3), free=SETTLED, nudged=long).change
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=0, atol=2e-3 * np.abs(one[name]).max(), err_msg=name)


def test_directed_weights_learn_apart_and_lateral_ones_need_not_be_symmetric():
    substrate, inputs, targets = directed(90.0)
    change = estimate(substrate, inputs, targets, centred(1e-3))
    assert cosine(change["hidden1_output"].ravel(), change["output_hidden1"].T.ravel()) < 0.99
    lateral = {
        "projections": {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1, "directed": True}}
    }
    weights = params_of(network("rate", 4, 6, 3, **lateral))["lateral"]
    assert np.abs(np.diag(weights)).max() == 0 and np.abs(weights - weights.T).max() > 0.1


@pytest.mark.parametrize(
    ("over", "match"),
    [
        ({"training": {"rule": "ep"}}, "projections.hidden1_output is directed, so there is no energy to contrast"),
        ({"training": {"rule": "vector_feld"}}, "training.rule is 'vector_feld'; expected 'ep', 'vector_field'"),
        ({"training": {"learning": "in_situ"}}, "where the synapse is the rule; use learning 'contrastive'"),
    ],
)
def test_a_rule_where_it_cannot_work_is_refused(over, match):
    raw = table(*SIZES, **{**BACK, "training": {**BACK["training"], **over["training"]}})
    with pytest.raises(SpecError, match=match):
        net = resolve(validate(Network, raw, "test"), "rate")
        substrate = substrate_of(net)
        inputs, targets = batch_of(net, 2)
        update_of(substrate, inputs, targets, centred(0.1), learning="contrastive")


def test_resistors_know_no_direction():
    with pytest.raises(SpecError, match=r"hidden1_output.directed is given, which a resistor network has no"):
        substrate_of(network("resistive", *SIZES, projections=BACK["projections"]))
    with pytest.raises(
        SpecError, match=r"training.rule is 'vector_field', which is for neurons; a resistor network learns by 'ep'"
    ):
        substrate_of(network("resistive", *SIZES, training=BACK["training"]))
