"""Complex nudges: the gradient at a finite nudge, where units are smooth."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.errors import SpecError
from neuroeq.learning.rules import Trial, contrastive, estimate, holomorphic
from neuroeq.measures.fidelity import implicit_gradient
from tests.nets import COST, batch_of, centred, flat, network, params_of, substrate_of

SETTLED = Stop(20000, 1e-13)
SHAPES = [(5, 8, 6, 3), (4, 7, 3)]


def made(points, *sizes, neuron="sigmoid", **over):
    recipe = {"learning": "contrastive", "rule": "holomorphic"}
    phases = {"points": points}
    return network(
        "rate", *sizes, phases=phases, training=recipe, substrate={"rate": {"neuron": neuron, "dt": "5 ms"}}, **over
    )


def error(points, radius, sizes, seed=0, cost=COST):
    net = made(points, *sizes)
    substrate, (inputs, targets) = substrate_of(net, params_of(net, seed)), batch_of(net, 4, seed)
    gradient = implicit_gradient(substrate, inputs, targets)
    trial = Trial(inputs, targets, [(radius, 1 / radius)], cost, SETTLED, Stop(400), np.random.default_rng(0))
    found = estimate(substrate, trial).change
    size = np.linalg.norm(flat(gradient))
    return np.linalg.norm(flat(found, sorted(gradient)) + flat(gradient, sorted(gradient))) / size


@pytest.mark.parametrize("sizes", SHAPES, ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_error_falls_geometrically_in_the_number_of_points(sizes, seed):
    """As (radius/R)^N, and the radius is below a third of R."""
    errors = {points: error(points, 0.02, sizes, seed) for points in (2, 4, 8)}
    assert errors[2] < 1e-2 and errors[4] < errors[2] / 3**2 and errors[8] < min(1e-7, errors[4] / 3**4), errors


def test_the_error_grows_with_the_radius_as_its_power_n():
    radii = np.array([0.02, 0.04, 0.08])
    for points in (2, 4):
        errors = [error(points, radius, SHAPES[0]) for radius in radii]
        assert np.polyfit(np.log(radii), np.log(errors), 1)[0] == pytest.approx(points, abs=0.15)


def test_two_points_are_centred_nudging():
    net = made(2, 5, 8, 3)
    substrate, (inputs, targets) = substrate_of(net), batch_of(net, 4)
    stops, rng = (Stop(200), Stop(50)), np.random.default_rng(0)
    one = holomorphic(substrate, Trial(inputs, targets, [(0.1, 10.0)], COST, *stops, rng)).change
    two = contrastive(substrate, Trial(inputs, targets, centred(0.1), COST, *stops, rng)).change
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-12)


def test_a_clipped_unit_has_no_complex_continuation():
    with pytest.raises(SpecError, match="neuron 'hard_sigmoid' of layer 'hidden1' is clipped or has a kink"):
        substrate_of(made(4, 3, 4, 2, neuron="hard_sigmoid"))


def test_spikes_have_none_either():
    recipe = {"learning": "contrastive", "rule": "holomorphic"}
    with pytest.raises(SpecError, match="'holomorphic' on substrate 'spiking'"):
        substrate_of(network("spiking", 3, 4, 2, training=recipe))


def test_directed_weights_have_no_energy_to_continue():
    feedback = {"source": "output", "target": "hidden1", "directed": True, "learning_rate": 0.1}
    over = {"projections": {"hidden1_output": {"directed": True}, "output_hidden1": feedback}}
    with pytest.raises(SpecError, match=r"projections.hidden1_output is directed, so there is no energy"):
        substrate_of(made(4, 3, 4, 2, **over))
