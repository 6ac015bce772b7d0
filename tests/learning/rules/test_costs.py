"""Squared error and cross-entropy: values and pulls."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.errors import NeuroeqError
from neuroeq.learning.costs import CrossEntropy, SquaredError, cost_of
from neuroeq.learning.rules import Trial, estimate
from neuroeq.measures.fidelity import finite_differences, implicit_gradient
from tests.nets import batch_of, centred, cosine, flat, network, substrate_of

SETTLED = Stop(20000, 1e-13)
ENTROPY = {"cost": "cross_entropy", "temperature": 0.2}


@pytest.mark.parametrize("cost", [SquaredError(), CrossEntropy(), CrossEntropy(0.1)], ids=["squares", "T=1", "T=0.1"])
def test_the_pull_is_the_derivative_of_the_value(cost):
    rng = np.random.default_rng(0)
    outputs, targets = rng.random((3, 4)), np.eye(4)[[1, 3, 0]]
    shift = 1e-6 * np.eye(4)
    for row in range(4):
        found = (cost.value(outputs + shift[row], targets) - cost.value(outputs - shift[row], targets)) / 2e-6
        np.testing.assert_allclose(found, cost.gradient(outputs, targets)[:, row], atol=1e-8)


def test_the_pull_of_complex_outputs_continues_that_of_real_ones():
    outputs, targets = np.array([[0.3, 0.8, 0.1]]), np.eye(3)[[2]]
    cost = CrossEntropy(0.5)
    slope = (cost.gradient(outputs + 1e-6, targets) - cost.gradient(outputs, targets)) / 1e-6
    turned = (cost.gradient(outputs + 1e-6j, targets) - cost.gradient(outputs, targets)) / 1e-6j
    np.testing.assert_allclose(turned, slope, atol=1e-5)
    one = np.array([[1e-6, 0, 0]])
    slope = (cost.gradient(outputs + one, targets) - cost.gradient(outputs, targets)) / 1e-6
    turned = (cost.gradient(outputs + 1j * one, targets) - cost.gradient(outputs, targets)) / 1e-6j
    np.testing.assert_allclose(turned, slope, atol=1e-5)
    assert np.abs(slope).max() > 0.1


@pytest.mark.parametrize(
    ("on", "nudge", "circuit"),
    [
        ("rate", "state", {}),
        ("crossbar", "state", {}),
        ("resistive", "held_current", {}),
        ("resistive", "held_current", {"substrate": {"resistive": {"circuit": {"outputs": "paired"}}}}),
    ],
    ids=["rate", "crossbar", "nodes", "pairs"],
)
def test_learning_follows_the_gradient_of_cross_entropy(on, nudge, circuit):
    learning = {"phases": {**ENTROPY, "nudge": nudge}, "training": {"learning": "contrastive"}}
    net = network(on, 5, 7, 3, **learning, **circuit)
    substrate, (inputs, _) = substrate_of(net), batch_of(net, 4)
    targets = np.eye(3)[[0, 1, 2, 1]]
    gradient = implicit_gradient(substrate, inputs, targets)
    entries = {name: np.arange(3) for name in gradient}
    for name, found in finite_differences(substrate, inputs, targets, entries).items():
        np.testing.assert_allclose(found, gradient[name].ravel()[:3], rtol=0, atol=1e-6)
    trial = Trial(
        inputs, targets, centred(1e-3), cost_of(net.phases), SETTLED, SETTLED, np.random.default_rng(0), mode=nudge
    )
    change = estimate(substrate, trial).change
    assert cosine(flat(change, sorted(gradient)), -flat(gradient, sorted(gradient))) > 1 - 1e-6


@pytest.mark.parametrize(
    ("on", "over", "message"),
    [
        ("rate", {"data": {"targets": "scalar"}, "phases": ENTROPY}, "'cross_entropy' with data.targets 'scalar'"),
        ("resistive", {"phases": {**ENTROPY, "nudge": "state"}}, "use phases.nudge 'held_current'"),
    ],
)
def test_where_there_is_no_such_pull_it_is_refused(on, over, message):
    with pytest.raises(NeuroeqError, match=message):
        substrate_of(network(on, 5, 7, 3, **over, training={"learning": "contrastive"}))
