"""The non-reciprocal correction makes vector-field learning the gradient, for any weights and any activation."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.describe.network import angle_between, initial_params
from neuroeq.describe.operators import feedback_angles
from neuroeq.describe.spec import overlay
from neuroeq.errors import NeuroeqError, SpecError
from neuroeq.learning.rules import Trial, estimate
from neuroeq.measures.fidelity import implicit_gradient
from tests.nets import COST, centred, cosine, flat, network, substrate_of
from tests.physics.substrates.test_spiking import SIZES, inner_problem

SETTLED = Stop(20000, 1e-13)
PLAIN = {
    "title": "Leaky integrator of its drive, sigmoid activity", "emits": "rate", "state": "s", "activity": "rho",
    "readout": "s", "dt": "1 ms", "parameters": {"tau": "10 ms"},
    "equations": "ds/dt = (drive + bias - s + nudge)/tau : 1\nrho = 1/(1 + exp(2 - 4*s)) : 1",
}  # fmt: skip
NEURONS = {"hard sigmoid": "hard_sigmoid", "sigmoid times its slope": "sigmoid", "plain sigmoid": PLAIN}


def directed(angle, neuron="hard_sigmoid", on="rate", seed=0, **over):
    feedback = {"source": "output", "target": "hidden1", "directed": True, "learning_rate": 0.1}
    base = {
        "projections": {
            "hidden1_output": {"directed": True},
            "output_hidden1": {**feedback, "initial": {"angle": angle, "gain": 1.5}},
        },
        "training": {"learning": "contrastive", "rule": "corrected_vector_field"},
        "substrate": {"rate": {"neuron": neuron, "dt": "4 ms"}},
    }
    net = network(on, *SIZES, **overlay(base, over))
    params, inputs, targets = inner_problem(seed)
    drawn = initial_params(net, np.random.default_rng(seed))
    forward, back = drawn["hidden1_output"], drawn["output_hidden1"]
    scale = np.linalg.norm(params["hidden1_output"]) / np.linalg.norm(forward)
    return net, {**params, "hidden1_output": scale * forward, "output_hidden1": scale * back}, inputs, targets


def compared(angle, neuron, seed, mode):
    net, params, inputs, targets = directed(angle, neuron, seed=seed)
    substrate = substrate_of(net, params)
    gradient = implicit_gradient(substrate, inputs, targets)
    rng = np.random.default_rng(0)
    trial = Trial(inputs, targets, centred(1e-3), COST, SETTLED, SETTLED, rng, mode=mode)
    found = estimate(substrate, trial).change
    names = sorted(gradient)
    return cosine(flat(found, names), -flat(gradient, names)), flat(found, names), flat(gradient, names)


@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("angle", [0.0, 45.0, 90.0, 135.0])
def test_with_the_correction_the_change_is_the_gradient_at_any_angle(angle, neuron):
    for seed in (0, 1):
        along, found, gradient = compared(angle, NEURONS[neuron], seed, "corrected")
        assert along > 1 - 1e-6
        np.testing.assert_allclose(found, -gradient, rtol=0, atol=1e-4 * np.abs(gradient).max())


@pytest.mark.parametrize("neuron", NEURONS)
def test_without_it_the_change_is_not(neuron):
    assert compared(90.0, NEURONS[neuron], 0, "state")[0] < 0.99


def test_the_correction_vanishes_where_the_jacobian_is_symmetric():
    net, params, inputs, targets = directed(0.0)
    params["output_hidden1"] = params["hidden1_output"].T.copy()
    substrate = substrate_of(net, params)
    free = substrate.relax(inputs, stop=SETTLED)
    ends = [
        substrate.relax(inputs, Nudge(0.3, targets, COST, mode, free), free.resume, stop=Stop(60))
        for mode in ("state", "corrected")
    ]
    for layer in free.state:
        np.testing.assert_allclose(ends[0].state[layer], ends[1].state[layer], rtol=0, atol=1e-14)


def test_the_angle_of_feedback_weights_is_the_one_asked_for_and_their_size_is_as_drawn():
    for angle in (0.0, 30.0, 90.0, 180.0):
        net, params, *_ = directed(angle)
        assert angle_between(params["output_hidden1"], params["hidden1_output"].T) == pytest.approx(angle, abs=1e-5)
        assert feedback_angles(net, params) == {"output_hidden1": pytest.approx(angle, abs=1e-5)}
    sizes = [np.linalg.norm(directed(angle)[1]["output_hidden1"]) for angle in (20.0, 80.0)]
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-12)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"on": "crossbar"}, "needs every weight reversed, which no local circuit or spike transmits"),
        ({"phases": {"nudge": "clamp"}}, "phases.nudge is 'clamp' with training.rule 'corrected_vector_field'"),
        ({"training": {"learning": "in_situ"}}, "'in_situ', where the synapse is the rule"),
    ],
)
def test_where_it_cannot_work_a_sentence_says_so(where, message):
    with pytest.raises(NeuroeqError, match=message):
        net, params, *_ = directed(90.0, **where)
        substrate_of(net, params)


def test_an_angle_needs_the_weights_that_run_the_other_way():
    over = {"projections": {"hidden1_output": {"initial": {"angle": 90.0}}}}
    with pytest.raises(SpecError, match=r"initial.angle needs a directed projection from 'output' to 'hidden1'"):
        initial_params(network("rate", 3, 4, 2, **over), np.random.default_rng(0))
