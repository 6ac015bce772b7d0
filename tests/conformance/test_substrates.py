"""What holds on every substrate, for every neuron model that is shipped."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.errors import DataError, SpecError
from neuroeq.physics.engine import Plasticity
from tests.nets import COST, batch_of, network, params_of, substrate_of

pytestmark = pytest.mark.smoke
MODELS = [
    ("rate", {"neuron": "hard_sigmoid"}),
    ("rate", {"neuron": "sigmoid"}),
    ("rate", {"neuron": "rectified"}),
    ("crossbar", {"neuron": "hard_sigmoid", "synapse": "rate_derivative"}),
    ("spiking", {"neuron": "sigma_delta"}),
    ("spiking", {"neuron": "sigma_delta_predictive"}),
    ("spiking", {"neuron": "lif"}),
    ("spiking", {"neuron": "lif_hard"}),
    ("spiking", {"neuron": "sigma_delta", "input": "encoder_sigma_delta"}),
]
RATES = MODELS[:4]


def named(models):
    return pytest.mark.parametrize(("on", "physics"), models, ids=["-".join([m[0], *m[1].values()]) for m in models])


def build(on, physics, batch=4, **options):
    return substrate_of(network(on, 5, 7, 3, substrate={on: physics}), batch=batch, **options)


def same(one, two, atol=0.0):
    for layer in one.state:
        np.testing.assert_allclose(one.state[layer], two.state[layer], rtol=0, atol=atol)
    np.testing.assert_allclose(one.outputs, two.outputs, rtol=0, atol=atol)


@named(MODELS)
def test_shapes_and_fields_are_those_of_the_contract(on, physics):
    substrate = build(on, physics)
    inputs, _ = batch_of(substrate.network, 3)
    free = substrate.relax(inputs, stop=Stop(30))
    assert free.outputs.shape == (3, 3)
    assert {layer: state.shape for layer, state in free.state.items()} == {"hidden1": (3, 7), "output": (3, 3)}
    assert free.n_steps == 30
    assert np.isfinite(free.residual)
    assert (free.spikes is not None) == (on == "spiking")
    gradient = substrate.energy_gradient(free)
    assert {name: value.shape for name, value in gradient.items()} == {
        name: value.shape for name, value in substrate.params.items()
    }


@named(MODELS)
def test_zero_nudge_equals_free_phase(on, physics):
    substrate = build(on, physics)
    inputs, targets = batch_of(substrate.network, 4)
    start = substrate.relax(inputs, stop=Stop(25)).resume
    into = substrate.accumulator()
    free = substrate.relax(inputs, start=start, stop=Stop(15))
    nudged = substrate.relax(inputs, Nudge(0.0, targets, COST), start, stop=Stop(15), plasticity=Plasticity(into, 1.0))
    same(free, nudged)
    assert free.spikes == nudged.spikes


@named(MODELS)
def test_a_nudge_moves_outputs_towards_the_target(on, physics):
    substrate = build(on, physics)
    inputs, targets = batch_of(substrate.network, 4)
    start = substrate.relax(inputs, stop=Stop(200))
    for beta, better in ((0.3, True), (-0.3, False)):
        nudged = substrate.relax(inputs, Nudge(beta, targets, COST), start.resume, stop=Stop(200))
        costs = [COST.value(equilibrium.outputs, targets).mean() for equilibrium in (start, nudged)]
        assert (costs[1] < costs[0]) == better


@named(MODELS)
def test_relaxing_changes_no_parameter_and_repeats(on, physics):
    substrate = build(on, physics)
    inputs, targets = batch_of(substrate.network, 4)
    before = {name: value.copy() for name, value in substrate.params.items()}
    first = substrate.relax(inputs, stop=Stop(20), rng=np.random.default_rng(7))
    nudge, into = Nudge(0.5, targets, COST), substrate.accumulator()
    substrate.relax(inputs, nudge, first.resume, stop=Stop(20), plasticity=Plasticity(into, 2.0))
    same(first, substrate.relax(inputs, stop=Stop(20), rng=np.random.default_rng(7)))
    for name, value in before.items():
        np.testing.assert_array_equal(value, substrate.params[name])
    assert max(np.abs(change).max() for change in into.take().values()) > 0


@named(MODELS)
def test_two_halves_of_a_phase_equal_the_whole(on, physics):
    substrate = build(on, physics)
    inputs, _ = batch_of(substrate.network, 4)
    whole = substrate.relax(inputs, stop=Stop(40))
    half = substrate.relax(inputs, stop=Stop(17))
    substrate.relax(inputs[::-1].copy(), stop=Stop(5))  # something else in between
    same(whole, substrate.relax(inputs, start=half.resume, stop=Stop(23)))


@named(RATES)
def test_restart_at_equilibrium_stays(on, physics):
    substrate = build(on, physics)
    inputs, _ = batch_of(substrate.network, 4)
    free = substrate.relax(inputs, stop=Stop(5000, tolerance=1e-13))
    assert free.converged
    same(free, substrate.relax(inputs, start=free.resume, stop=Stop(50)), atol=1e-12)


@named(RATES)
def test_a_batch_equals_its_samples_one_by_one(on, physics):
    together, alone = build(on, physics, batch=4), build(on, physics, batch=1)
    inputs, targets = batch_of(together.network, 4)
    all_of_them = _nudged(together, inputs, targets)
    for index in range(4):
        one = slice(index, index + 1)
        equilibrium, _ = _nudged(alone, inputs[one], targets[one])
        for layer, state in all_of_them[0].state.items():
            np.testing.assert_allclose(state[one], equilibrium.state[layer], rtol=0, atol=1e-12)
    changes = [_nudged(alone, inputs[i : i + 1], targets[i : i + 1])[1] for i in range(4)]
    for name, change in all_of_them[1].items():
        np.testing.assert_allclose(change, np.mean([each[name] for each in changes], axis=0), rtol=0, atol=1e-12)


@named(RATES)
def test_a_part_filled_batch_equals_a_full_one_of_its_size(on, physics):
    large, small = build(on, physics, batch=6), build(on, physics, batch=2)
    inputs, targets = batch_of(large.network, 2)
    _nudged(large, *batch_of(large.network, 6, seed=9))  # leaves its traces in the rows that stay empty
    (one, change), (two, other) = _nudged(large, inputs, targets), _nudged(small, inputs, targets)
    same(one, two, atol=1e-14)
    for name in change:
        np.testing.assert_allclose(change[name], other[name], rtol=0, atol=1e-14)


def _nudged(substrate, inputs, targets):
    free, into = substrate.relax(inputs, stop=Stop(40)), substrate.accumulator()
    nudge = Nudge(0.5, targets, COST)
    nudged = substrate.relax(inputs, nudge, free.resume, stop=Stop(20), plasticity=Plasticity(into, 2.0))
    return nudged, substrate.shaped(into.take())


@named(RATES)
def test_a_held_nudge_agrees_with_the_followed_one_to_first_order(on, physics):
    substrate = build(on, physics)
    inputs, targets = batch_of(substrate.network, 4)
    free = substrate.relax(inputs, stop=Stop(5000, tolerance=1e-13))
    differences = []
    for beta in (1e-2, 1e-3):
        moved = [
            substrate.relax(inputs, Nudge(beta, targets, COST, mode, free), free.resume, stop=Stop(5000, 1e-13)).outputs
            - free.outputs
            for mode in ("state", "held_current")
        ]
        differences.append(np.abs(moved[0] - moved[1]).max() / np.abs(moved[0]).max())
    assert differences[1] < 0.2 * differences[0] < 0.02


@named(MODELS)
def test_wrong_shapes_are_refused(on, physics):
    substrate = build(on, physics)
    inputs, targets = batch_of(substrate.network, 4)
    with pytest.raises(DataError, match=r"inputs have shape \(4, 4\); expected \(batch, 5\)"):
        substrate.relax(inputs[:, :4], stop=Stop(5))
    with pytest.raises(DataError, match=r"targets have shape \(3, 3\); expected \(4, 3\)"):
        substrate.relax(inputs, Nudge(1.0, targets[:3], COST), stop=Stop(5))
    with pytest.raises(DataError, match="inputs hold NaN"):
        substrate.relax(np.where(inputs > 0.5, np.nan, inputs), stop=Stop(5))
    with pytest.raises(SpecError, match="nudge mode is 'clamp' on a network that was built for 'state'"):
        substrate.relax(inputs, Nudge(1.0, targets, COST, mode="clamp"), stop=Stop(5))
    with pytest.raises(SpecError, match="'held_current' without a reference"):
        substrate.relax(inputs, Nudge(1.0, targets, COST, mode="held_current"), stop=Stop(5))


@named(MODELS)
def test_float32_stays_near_float64_at_first(on, physics):
    """Over a few steps, before rounding decides a spike otherwise."""
    states = []
    for precision in ("float64", "float32"):
        net = network(on, 5, 7, 3, substrate={on: {**physics, "precision": precision}})
        params = {name: value.astype(precision) for name, value in params_of(network(on, 5, 7, 3)).items()}
        inputs, _ = batch_of(net, 4)
        states.append(substrate_of(net, params).relax(inputs, stop=Stop(4)).state["hidden1"])
    assert states[1].dtype == np.float32
    np.testing.assert_allclose(states[0], states[1], rtol=0, atol=1e-5)
