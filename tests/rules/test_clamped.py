"""Clamped outputs: coupled learning, and contrastive Hebbian learning where the clamp is the target itself."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.errors import NeuroeqError
from neuroeq.rules import Lesson, estimate
from tests.nets import COST, batch_of, cosine, flat, network, params_of, positive, substrate_of

SETTLED = Stop(20000, 1e-13)
SUBSTRATES = ["rate", "crossbar", "spiking"]


def made(on, rule="coupled_learning", **phases):
    recipe = {"learning": "contrastive", "rule": rule}
    return network(on, 5, 7, 3, training=recipe, phases={"variant": "positive", **phases})


@pytest.mark.parametrize("on", SUBSTRATES)
@pytest.mark.parametrize("beta", [0.3, 1.0])
def test_outputs_stand_where_they_are_clamped(on, beta):
    net = made(on)
    substrate, (inputs, targets) = substrate_of(net), batch_of(net, 4)
    free = substrate.relax(inputs, stop=Stop(60))
    held = substrate.relax(inputs, Nudge(beta, targets, COST, "clamp", free), free.resume, stop=Stop(30))
    np.testing.assert_allclose(held.outputs, free.outputs + beta * (targets - free.outputs), rtol=0, atol=1e-12)
    assert np.abs(held.activity["hidden1"] - free.activity["hidden1"]).max() > 1e-4
    again = substrate.relax(inputs, start=free.resume, stop=Stop(30))
    assert np.abs(again.outputs - held.outputs).max() > 1e-2


@pytest.mark.parametrize("on", ["rate", "crossbar", "resistive"])
def test_coupled_learning_differs_from_the_nudge_by_more_at_larger_clamps(on):
    """Both tend to a descent direction; of squares of drops the difference is of first order in beta."""
    rules = {"coupled_learning": "clamp", "ep": "held_current"}
    found = {}
    for rule in rules:
        recipe = {"learning": "contrastive", "rule": rule}
        net = network(on, 5, 7, 3, training=recipe, phases={"variant": "positive"})
        params = params_of(net)
        substrate, (inputs, targets) = substrate_of(net, params), batch_of(net, 4)
        for beta in (1e-3, 0.5):
            lesson = Lesson(
                inputs, targets, positive(beta), COST, SETTLED, SETTLED, np.random.default_rng(0), mode=rules[rule]
            )
            found[rule, beta] = flat(estimate(substrate, lesson).change)
    small, large = (cosine(found["coupled_learning", beta], found["ep", beta]) for beta in (1e-3, 0.5))
    assert 0.5 < small < 1 and large != pytest.approx(small, abs=1e-6)


def test_contrastive_hebbian_learning_is_the_difference_of_correlations_at_the_target():
    net = made("rate", "contrastive_hebbian", beta=1.0)
    substrate, (inputs, targets) = substrate_of(net), batch_of(net, 4)
    lesson = Lesson(inputs, targets, [(1.0, 1.0)], COST, SETTLED, SETTLED, np.random.default_rng(0), mode="clamp")
    update = estimate(substrate, lesson)
    (held,) = update.nudged
    np.testing.assert_allclose(held.outputs, targets, rtol=0, atol=1e-12)
    hebb = [eq.activity["hidden1"].T @ eq.activity["output"] / 4 for eq in (held, update.free)]
    np.testing.assert_allclose(update.change["hidden1_output"], hebb[0] - hebb[1], rtol=0, atol=1e-12)


def test_in_situ_under_a_clamp_equals_the_contrast():
    net = network("rate", 5, 7, 3, phases={"variant": "positive", "nudge": "clamp"})
    other = made("rate")
    (inputs, targets), params = batch_of(net, 4), params_of(net)
    rng = np.random.default_rng(0)
    lesson = Lesson(inputs, targets, positive(0.3), COST, Stop(40), Stop(20), rng, mode="clamp")
    one, two = (estimate(substrate_of(each, params), lesson).change for each in (net, other))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"rule": "contrastive_hebbian"}, "expected beta 1 and variant 'positive'"),
        ({"nudge": "held_current"}, "phases.nudge is 'held_current' with training.rule 'coupled_learning'"),
    ],
)
def test_settings_that_contradict_the_rule_are_refused(over, message):
    with pytest.raises(NeuroeqError, match=message):
        made("rate", **over)


def test_a_unit_that_is_read_by_a_filter_cannot_be_clamped():
    net = network("spiking", 3, 4, 2, phases={"nudge": "clamp"}, substrate={"spiking": {"neuron": "lif"}})
    with pytest.raises(NeuroeqError, match="its readout 'rate' is not its state 'v', so it cannot be clamped"):
        substrate_of(net)
