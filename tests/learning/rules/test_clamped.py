"""Clamped outputs: coupled learning, and contrastive Hebbian learning where the clamp is the target itself."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.errors import NeuroeqError
from neuroeq.learning.rules import Trial, estimate
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
def test_coupled_learning_of_one_output_is_equilibrium_propagation_to_first_order(on):
    """A clamp moves outputs by S^-1 times what a current does, a number where there is one output and not elsewhere."""
    turned = {1: [], 3: []}
    for n_output, angles in turned.items():
        for beta in (1e-3, 0.3):
            one, two = (clamped_or_nudged(on, rule, beta, n_output) for rule in ("coupled_learning", "ep"))
            angles.append(1 - cosine(one, two))
    assert turned[1][0] < 1e-5 and turned[1][1] > 30 * turned[1][0]
    assert turned[3][0] > 1e-3


def clamped_or_nudged(on, rule, beta, n_output):
    net = network(
        on, 5, 7, n_output, training={"learning": "contrastive", "rule": rule}, phases={"variant": "positive"}
    )
    params = {name: value + 0.1 * (on == "resistive") for name, value in params_of(net).items()}
    substrate, (inputs, targets) = substrate_of(net, params), batch_of(net, 1)
    mode, rng = {"coupled_learning": "clamp", "ep": "held_current"}[rule], np.random.default_rng(0)
    trial = Trial(inputs, targets, positive(beta), COST, SETTLED, SETTLED, rng, mode=mode)
    return flat(estimate(substrate, trial).change)


def test_contrastive_hebbian_learning_is_the_difference_of_correlations_at_the_target():
    net = made("rate", "contrastive_hebbian", beta=1.0)
    substrate, (inputs, targets) = substrate_of(net), batch_of(net, 4)
    trial = Trial(inputs, targets, [(1.0, 1.0)], COST, SETTLED, SETTLED, np.random.default_rng(0), mode="clamp")
    update = estimate(substrate, trial)
    (held,) = update.nudged
    np.testing.assert_allclose(held.outputs, targets, rtol=0, atol=1e-12)
    hebb = [eq.activity["hidden1"].T @ eq.activity["output"] / 4 for eq in (held, update.free)]
    np.testing.assert_allclose(update.change["hidden1_output"], hebb[0] - hebb[1], rtol=0, atol=1e-12)


def test_in_situ_under_a_clamp_equals_the_contrast():
    net = network("rate", 5, 7, 3, phases={"variant": "positive", "nudge": "clamp"})
    other = made("rate")
    (inputs, targets), params = batch_of(net, 4), params_of(net)
    rng = np.random.default_rng(0)
    trial = Trial(inputs, targets, positive(0.3), COST, Stop(40), Stop(20), rng, mode="clamp")
    one, two = (estimate(substrate_of(each, params), trial).change for each in (net, other))
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
