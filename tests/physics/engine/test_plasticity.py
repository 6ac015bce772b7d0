"""Products at the end of a phase, products over a buffer, and Brian2 integrating step by step are one thing."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.physics.engine import Accumulator, Plasticity
from neuroeq.physics.engine.plasticity.deferred import BUFFER_ROWS, DeferredSynapses
from neuroeq.physics.engine.plasticity.plan import plan
from tests.conftest import DATA
from tests.nets import batch_of, centred, network, params_of, substrate_of, update_of


@pytest.mark.parametrize(
    ("on", "physics"),
    [
        ("rate", {"neuron": "hard_sigmoid"}),
        ("rate", {"neuron": "sigmoid"}),
        ("spiking", {"neuron": "sigma_delta"}),
        ("spiking", {"neuron": "lif_hard"}),
        ("spiking", {"neuron": "sigma_delta", "input": "encoder_sigma_delta"}),
        ("spiking", {"neuron": "sigma_delta", "synapse": "pair_stdp"}),
    ],
)
def test_deferred_products_equal_step_by_step_integration(on, physics):
    lateral = {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1}}
    net = network(on, 5, 7, 3, substrate={on: physics}, projections=lateral)
    (inputs, targets), params = batch_of(net, 3), params_of(net)
    one, two = (
        update_of(substrate_of(net, params, deferred=deferred), inputs, targets, centred(0.5)).change
        for deferred in (True, False)
    )
    assert one.keys() == two.keys() == params.keys()
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-12)
    assert max(np.abs(change).max() for change in one.values()) > 1e-3


def test_a_phase_longer_than_the_buffer_loses_nothing():
    net = network("rate", 5, 7, 3)
    (inputs, targets), params = batch_of(net, 4), params_of(net)
    steps = BUFFER_ROWS // 2
    assert 4 * steps > 2 * BUFFER_ROWS - 4
    one, two = (
        update_of(substrate_of(net, params), inputs, targets, centred(0.5), learning=how, nudged=Stop(steps)).change
        for how in ("in_situ", "contrastive")
    )
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-12)


def test_a_weight_dependent_synapse_is_integrated_by_brian():
    """dw/dt = gain hebb (1 - w): with the weights held during a phase, (1 - w) times the plain change."""
    plain = network("rate", 5, 7, 3)
    bound = network("rate", 5, 7, 3, substrate={"rate": {"synapse": str(DATA / "soft_bound.toml")}})
    (inputs, targets), params = batch_of(plain, 4), params_of(plain)
    one, two = (update_of(substrate_of(net, params), inputs, targets, centred(0.5)).change for net in (plain, bound))
    weight = params["hidden1_output"]
    np.testing.assert_allclose(two["hidden1_output"], one["hidden1_output"] * (1 - weight), rtol=0, atol=1e-12)


def test_a_synapse_with_a_state_of_its_own_filters_hebb():
    """An eligibility trace delays the change, and hands all of it over in the end."""
    plain = network("rate", 5, 7, 3)
    slow = network("rate", 5, 7, 3, substrate={"rate": {"synapse": str(DATA / "eligibility.toml")}})
    (inputs, targets), params = batch_of(plain, 4), params_of(plain)

    def change(net, steps):
        found = update_of(substrate_of(net, params), inputs, targets, centred(0.5), free=Stop(400), nudged=Stop(steps))
        return found.change["hidden1_output"]

    early, late, full = change(slow, 10), change(slow, 400), change(plain, 400)
    assert np.linalg.norm(early) < 0.8 * np.linalg.norm(change(plain, 10))
    np.testing.assert_allclose(late, full, rtol=0, atol=1e-6)


@pytest.mark.parametrize("on", ["rate", "spiking"])
def test_another_unit_does_not_change_a_synapse(on):
    """Locality: a synapse's change depends on its own two units only, for the same trajectories of both."""
    net = network(on, 5, 7, 3)
    (inputs, targets), params = batch_of(net, 4), params_of(net)
    params["hidden1_output"][:, 2] = 0  # the third output unit has no way to act on the others
    changes = []
    for target in (0.1, 0.9):
        targets[:, 2] = target
        changes.append(update_of(substrate_of(net, params), inputs, targets, centred(0.5)).change["hidden1_output"])
    np.testing.assert_array_equal(changes[0][:, :2], changes[1][:, :2])
    assert np.abs(changes[0][:, 2] - changes[1][:, 2]).max() > 1e-3


def test_a_learning_rate_of_zero_leaves_plasticity_out():
    net = network("rate", 5, 7, 3, projections={"input_hidden1": {"learning_rate": 0}})
    (inputs, targets), params = batch_of(net, 4), params_of(net)
    change = update_of(substrate_of(net, params), inputs, targets, centred(0.5)).change
    assert set(change) == {"hidden1_output", "output.bias"}


def test_inputs_that_are_changed_in_place_give_no_stale_phase():
    """A phase that goes on from a free one, on the same array with other values, is as with a new array."""
    net = network("rate", 5, 7, 3)
    (inputs, _), params = batch_of(net, 4), params_of(net)
    changed = 1 - inputs
    mine, other = inputs.copy(), substrate_of(net, params)
    substrate = substrate_of(net, params)
    free, again = substrate.relax(mine, stop=Stop(20)), other.relax(inputs, stop=Stop(20))
    mine[:] = changed
    np.testing.assert_array_equal(
        substrate.relax(mine, start=free.resume, stop=Stop(20)).outputs,
        other.relax(changed, start=again.resume, stop=Stop(20)).outputs,
    )
    np.testing.assert_array_equal(free.activity["input"], inputs)


def test_clamped_values_that_are_changed_in_place_give_no_stale_factors():
    """The synapses of a clamped layer are told its values at every phase, in the same mapping."""
    net = network("rate", 5, 7, 3)
    [plastic] = [plastic for plastic in plan(net, 1e-4) if plastic.source == "input"]
    [post] = {term.post for term in plastic.terms}
    moving, values = np.full((2, 7), 0.5), {"input": np.full((2, 5), 0.25)}
    synapses = DeferredSynapses([plastic], {post: moving}, 2, 1e-4)
    changes = []
    for value in (0.25, 0.75):
        values["input"][:] = value
        into = Accumulator({"input_hidden1": plastic.operator})
        synapses.start(values, Plasticity(into, 1.0))
        synapses.step()
        synapses.finish()
        changes.append(into.take()[plastic.name])
    np.testing.assert_allclose(changes[1], 3 * changes[0], rtol=1e-12)
