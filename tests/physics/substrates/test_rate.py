"""The theory of Equilibrium Propagation on leaky integrators."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.describe.spec import overlay
from neuroeq.learning.optimiser import Descent
from neuroeq.physics.engine import Recording
from neuroeq.physics.substrates.stability import jacobian
from tests.conftest import DATA
from tests.nets import (
    COST,
    batch_of,
    centred,
    cosine,
    flat,
    network,
    params_of,
    positive,
    substrate_of,
    update_of,
)

SETTLED = Stop(20000, tolerance=1e-13)
LATERAL = {"projections": {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1}}}
SKIP = {"projections": {"skip": {"source": "hidden1", "target": "output", "learning_rate": 0.1}}}
ARCHITECTURES = {
    "one hidden layer": ((5, 7, 3), {}),
    "two hidden layers": ((4, 6, 5, 3), {}),
    "lateral synapses": ((5, 6, 3), LATERAL),
    "a skip and a mask": (
        (4, 6, 5, 2),
        {"projections": {**SKIP["projections"], "hidden1_hidden2": {"connect": {"probability": 0.6}}}},
    ),
}
NEURONS = ("hard_sigmoid", "sigmoid")


def build(architecture, neuron="hard_sigmoid", seed=0, **options):
    sizes, over = ARCHITECTURES[architecture]
    net = network("rate", *sizes, **overlay(over, {"substrate": {"rate": {"neuron": neuron}}}))
    return substrate_of(net, params_of(net, seed), **options), *batch_of(net, 4, seed + 1)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("neuron", NEURONS)
def test_in_situ_change_equals_contrastive_change(architecture, neuron):
    """Midway through each step the sum of rho_i drho_j + rho_j drho_i telescopes: at any step, settled or not."""
    substrate, inputs, targets = build(architecture, neuron)
    for nudges in (positive(0.4), centred(0.4)):
        local = update_of(substrate, inputs, targets, nudges).change
        contrast = update_of(substrate, inputs, targets, nudges, learning="contrastive").change
        assert local.keys() == contrast.keys()
        for name in local:
            assert np.abs(contrast[name]).max() > 1e-4
            np.testing.assert_allclose(local[name], contrast[name], rtol=0, atol=1e-12)


def test_without_the_midpoint_the_difference_is_of_first_order_in_the_step():
    rule = {"substrate": {"rate": {"synapse": str(DATA / "rate_derivative_before.toml")}}}
    errors = []
    for dt in ("2 ms", "1 ms", "0.5 ms"):
        net = network("rate", 5, 7, 3, **overlay(rule, {"substrate": {"rate": {"dt": dt}}}))
        substrate, (inputs, targets) = substrate_of(net), batch_of(net, 4)
        steps = {"free": Stop(round(400 / float(dt.split()[0]))), "nudged": Stop(round(60 / float(dt.split()[0])))}
        local = update_of(substrate, inputs, targets, positive(0.4), **steps).change["hidden1_output"]
        contrast = update_of(substrate, inputs, targets, positive(0.4), learning="contrastive", **steps)
        errors.append(np.linalg.norm(local - contrast.change["hidden1_output"]))
    assert np.allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, atol=0.15), errors
    assert errors[-1] > 1e-6


def test_moving_weights_at_every_step_differs_by_first_order_in_the_learning_rate():
    net = network("rate", 5, 7, 3, phases={"variant": "positive"}, training={"update": "every_step"})
    inputs, targets = batch_of(net, 4)
    params = params_of(net)
    committed = update_of(substrate_of(net, params), inputs, targets, positive(0.4)).change
    errors = []
    for scale in (1e-2, 1e-3, 1e-4):
        rates = {"projections": {name: {"learning_rate": scale} for name in net.projections}}
        continual = network(
            "rate", 5, 7, 3, **overlay(rates, {"phases": {"variant": "positive"}, "training": {"update": "every_step"}})
        )
        substrate, descent = substrate_of(continual, params), Descent(continual)

        def commit(change, substrate=substrate, descent=descent):
            substrate.params = descent.step(substrate.params, change, 0)

        update_of(substrate, inputs, targets, positive(0.4), commit=commit)
        moved = {name: (substrate.params[name] - params[name]) / scale for name in params}
        errors.append(np.linalg.norm(flat(moved) - flat(committed)))
    assert np.allclose(np.log10(np.divide(errors[:-1], errors[1:])), 1, atol=0.15), errors


@pytest.mark.parametrize("architecture", ["one hidden layer", "two hidden layers", "lateral synapses"])
@pytest.mark.parametrize("neuron", NEURONS)
def test_estimate_tends_to_the_finite_difference_gradient(architecture, neuron):
    """With slope 1 in beta one-sided and slope 2 centred."""
    substrate, inputs, targets = build(architecture, neuron, seed=3)
    names = list(substrate.network.projections)
    truth = -_finite_differences(substrate, inputs, targets, names)
    betas = np.array([1e-3, 3e-3, 1e-2])
    for nudges, slope, bound in ((positive, 1, 1e-2), (centred, 2, 1e-4)):
        errors = []
        for beta in betas:
            change = update_of(
                substrate, inputs, targets, nudges(beta), learning="contrastive", free=SETTLED, nudged=SETTLED
            ).change
            found = np.concatenate([change[name].ravel()[_sample(change[name])] for name in names])
            errors.append(np.linalg.norm(found - truth) / np.linalg.norm(truth))
        assert errors[0] < bound
        if errors[0] > 1e-7:  # a piecewise linear network has no bias of second order
            assert abs(np.polyfit(np.log(betas), np.log(errors), 1)[0] - slope) < 0.1, errors


def _sample(weight):
    return np.random.default_rng(0).permutation(weight.size)[:8]


def _finite_differences(substrate, inputs, targets, names, shift=1e-5):
    params, differences = substrate.params, []
    for name in names:
        projection = substrate.network.projections[name]
        for index in _sample(params[name]):
            values = []
            for sign in (1, -1):
                weight = params[name].copy()
                row, column = np.unravel_index(index, weight.shape)
                weight[row, column] += sign * shift
                if projection.source == projection.target:
                    weight[column, row] = weight[row, column] = weight[row, column] if row != column else 0.0
                substrate.params = {**params, name: weight}
                values.append(COST.value(substrate.relax(inputs, stop=SETTLED).outputs, targets).mean())
            differences.append((values[0] - values[1]) / (2 * shift))
    substrate.params = params
    return np.array(differences)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("neuron", NEURONS)
def test_energy_never_rises_along_a_free_trajectory(architecture, neuron):
    sizes, over = ARCHITECTURES[architecture]
    net = network("rate", *sizes, **overlay(over, {"substrate": {"rate": {"neuron": neuron, "dt": "1 ms"}}}))
    substrate, (inputs, _) = substrate_of(net, params_of(net, scale=1.5), monitored=4, plastic=False), batch_of(net, 4)
    record = Recording()
    substrate.relax(inputs, stop=Stop(200), record=record)
    states = record.phases[0].states
    energies = np.array(
        [_energy(substrate, inputs, {layer: states[layer]["s"][t] for layer in states}) for t in range(200)]
    )
    assert (np.diff(energies, axis=0) <= 1e-12).all()
    assert (energies[0] - energies[-1] > 1e-3).all()


def _energy(substrate, inputs, state):
    """E = 1/2 |s|^2 - 1/2 rho.W.rho - b.rho, written out once more."""
    sigmoid = substrate.network.neuron("output").name == "sigmoid"
    rho = {layer: 1 / (1 + np.exp(2 - 4 * s)) if sigmoid else np.clip(s, 0, 1) for layer, s in state.items()}
    rho["input"] = inputs
    energy = sum(0.5 * (s**2).sum(axis=1) for s in state.values())
    for name, projection in substrate.network.projections.items():
        pairs = np.einsum("bi,ij,bj->b", rho[projection.source], substrate.params[name], rho[projection.target])
        energy = energy - pairs * (0.5 if projection.source == projection.target else 1.0)
    return energy - sum(rho[layer] @ substrate.params[f"{layer}.bias"] for layer in state)


def test_jacobian_of_a_smooth_unit_is_symmetric():
    substrate, inputs, _ = build("lateral synapses", "sigmoid")
    found = jacobian(substrate, substrate.relax(inputs, stop=SETTLED), 0)
    np.testing.assert_allclose(found, found.T, atol=1e-7)
    assert np.abs(found - np.diag(np.diag(found))).max() > 0.01


def test_jacobian_of_clipped_units_that_can_move_is_w_minus_one():
    substrate, inputs, _ = build("lateral synapses", "hard_sigmoid")
    free = substrate.relax(inputs, stop=SETTLED)
    inside = np.concatenate([(free.state[layer][0] > 0) & (free.state[layer][0] < 1) for layer in free.state])
    weight = np.zeros((9, 9))
    weight[:6, :6] = substrate.params["lateral"]
    weight[:6, 6:] = substrate.params["hidden1_output"]
    weight[6:, :6] = substrate.params["hidden1_output"].T
    moving = np.ix_(inside, inside)
    np.testing.assert_allclose(jacobian(substrate, free, 0)[moving], (weight - np.eye(9))[moving], atol=1e-7)


def test_one_sided_rule_on_a_symmetric_weight_is_half_of_the_symmetric_one():
    """On a weight that serves both directions, rho_pre drho_post/dt is half of the symmetric rule."""
    net = network("rate", 5, 7, 3, substrate={"rate": {"synapse": str(DATA / "one_sided.toml")}})
    both = network("rate", 5, 7, 3)
    (inputs, targets), params = batch_of(net, 4), params_of(net)
    half, whole = (update_of(substrate_of(each, params), inputs, targets, centred(0.4)).change for each in (net, both))
    assert cosine(flat(half, ["hidden1_output"]), flat(whole, ["hidden1_output"])) > 1 - 1e-12
    np.testing.assert_allclose(2 * half["hidden1_output"], whole["hidden1_output"], atol=1e-12)


@pytest.mark.parametrize(
    ("neuron", "moving", "top"), [("hard_sigmoid", 1, 1), ("rectified", 2, 0), ("linear", 4, 0), ("sigmoid", 1, 1)]
)
def test_units_are_stuck_at_bounds_that_they_have(neuron, moving, top):
    substrate = substrate_of(network("rate", 5, 7, 4, substrate={"rate": {"neuron": neuron}}), batch=1)
    eq = substrate.relax(np.zeros((1, 5)), stop=Stop(1))
    eq.activity["output"][:] = [-1, 0, 0.5, 2]
    assert substrate.saturation(eq)["output"] == (moving / 4, top / 4)
