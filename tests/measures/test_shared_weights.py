"""Weights that the positions of a convolution share have a gradient, which every estimate and every reference finds."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.learning.rules import Trial, estimate
from neuroeq.measures.fidelity import check, finite_differences, implicit_gradient
from neuroeq.measures.fidelity.bptt import backpropagate
from neuroeq.measures.fidelity.rbp import follow
from neuroeq.randomness import Streams
from tests.nets import COST, batch_of, centred, flat, network, params_of, substrate_of

SETTLED = Stop(20_000, 1e-13)
LONG = {phase: {"duration": "1000 steps", "tolerance": 1e-12} for phase in ("free", "nudged")}
NETS = {
    "one convolution, padded and pooled": (
        {"input": [1, 4, 4], "hidden1": [2, 2, 2], "output": [3]},
        {"input_hidden1": {"kernel": 3, "padding": 1, "pool": "average"}},
    ),
    "two convolutions": (
        {"input": [1, 3, 3], "hidden1": [2, 3, 3], "hidden2": [2, 2, 2], "output": [2]},
        {"input_hidden1": {"kernel": 3, "padding": 1}, "hidden1_hidden2": {"kernel": 2}},
    ),
}


@pytest.fixture(params=list(NETS))
def made(request):
    """A function that returns a network of smooth units, and a batch."""

    def build(scale=0.5, **over):
        shapes, kernels = NETS[request.param]
        net = network(
            "rate",
            *(int(np.prod(shape)) for shape in shapes.values()),
            layers={name: {"shape": shape} for name, shape in shapes.items() if len(shape) == 3},
            projections={name: {"kind": "conv", **kernel} for name, kernel in kernels.items()},
            substrate={"rate": {"neuron": "sigmoid", "dt": "4 ms"}},
            **{"phases": LONG, **over},
        )
        return substrate_of(net, params_of(net, scale=scale)), *batch_of(net, 3)

    return build


def test_the_adjoint_is_the_gradient_of_every_weight_and_bias(made):
    substrate, inputs, targets = made()
    adjoint = implicit_gradient(substrate, inputs, targets)
    entries = {name: np.arange(value.size) for name, value in adjoint.items()}
    differences = finite_differences(substrate, inputs, targets, entries)
    for name, value in adjoint.items():
        assert value.shape == substrate.params[name].shape and np.abs(value).max() > 1e-6, name
        np.testing.assert_allclose(value.ravel(), differences[name], rtol=0, atol=1e-5 * np.abs(value).max())


@pytest.mark.parametrize(("variant", "slope"), [("positive", 1), ("centred", 2)])
def test_the_bias_of_a_settled_estimate_has_the_slope_of_its_variant(made, variant, slope):
    substrate, inputs, targets = made(phases={**LONG, "beta": 0.004, "variant": variant})
    report = check(substrate, inputs, targets, Streams(0))
    assert report.bias_slope == pytest.approx(slope, abs=0.1)
    assert report.cosine > 0.9999
    assert all(each.finite_difference_error < 1e-5 for each in report.projections.values())


def test_the_nudged_phase_follows_recurrent_backpropagation_and_backpropagation_through_time_ends_there(made):
    """Both distances are of first order in beta; through 400 steps, what is left of the gradient is below 1e-6."""
    substrate, inputs, targets = made()
    path = follow(substrate, inputs, targets, 1e-5, 20)
    assert path.state_error < 1e-3 and path.parameter_error < 1e-3
    exact = implicit_gradient(substrate, inputs, targets)
    unrolled = backpropagate(substrate, substrate.relax(inputs, stop=SETTLED), inputs, targets, 400).total
    np.testing.assert_allclose(flat(unrolled), flat(exact), rtol=0, atol=1e-6 * np.abs(flat(exact)).max())


def test_holomorphic_nudges_find_the_gradient_and_two_points_are_centred_nudging(made):
    phases = {**LONG, "beta": 0.05}
    learning = {"learning": "contrastive", "rule": "holomorphic"}
    found = {}
    for points in (2, 6):
        substrate, inputs, targets = made(0.3, phases={**phases, "points": points}, training=learning)
        stops = (SETTLED, Stop(1000))
        trial = Trial(inputs, targets, centred(0.05), COST, *stops, np.random.default_rng(0))
        found[points] = flat(estimate(substrate, trial).change)
    exact = -flat(implicit_gradient(substrate, inputs, targets))
    errors = {points: np.linalg.norm(each - exact) / np.linalg.norm(exact) for points, each in found.items()}
    assert errors[6] < 1e-5 < errors[2] < 1e-1
