"""The stability margin, found without a Jacobian, is that of the whole Jacobian."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.describe.network import free_layers
from neuroeq.errors import DivergenceError, NeuroeqWarning
from neuroeq.physics.circuits.equations import drive_circuit
from neuroeq.physics.circuits.stability import stability_limit
from neuroeq.physics.circuits.stacked import Stacked
from neuroeq.physics.curvature import output_curvatures
from neuroeq.physics.substrates.free_units import SETTLED, FreeUnits, mean_field
from neuroeq.physics.substrates.stability import jacobian, measured_margin, unclipped
from tests.nets import network, params_of, substrate_of

LATERAL = {"projections": {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1}}}
DIRECTED = {
    "projections": {
        "input_hidden1": {"directed": True},
        "hidden1_output": {"directed": True},
        "back": {"source": "output", "target": "hidden1", "directed": True, "learning_rate": 0.1},
    }
}
SPARSE = {"projections": {"hidden1_hidden2": {"connect": {"probability": 0.4, "seed": 3}}}}
NEURONS = {
    "hard sigmoid": ("rate", (5, 12, 4), {}),
    "sigmoid": ("rate", (5, 12, 4), {"substrate": {"rate": {"neuron": "sigmoid"}}}),
    "mean field of spikes": ("spiking", (5, 12, 4), {}),
    "three hidden layers": ("rate", (5, 12, 9, 7, 4), {"substrate": {"rate": {"neuron": "sigmoid"}}}),
    "lateral": ("rate", (5, 12, 4), LATERAL),
    "mask": ("rate", (5, 12, 9, 4), SPARSE),
    "crossbar": ("crossbar", (5, 12, 4), {}),
    "directed": ("rate", (5, 12, 4), {**DIRECTED, "substrate": {"rate": {"synapse": "vector_field"}}}),
}
CIRCUITS = {
    "resistive": (None, (4, 8, 3)),
    "diodes": ("1n4148", (4, 8, 6, 3)),
    "amplifiers": ("1n4148_amplified", (4, 8, 6, 3)),
}


def dense(hessian, output, moving):
    """Return the output Schur complement over the units that can move, from the whole matrix."""
    inner, outer = moving & ~output, moving & output
    followed = np.linalg.solve(hessian[np.ix_(inner, inner)], hessian[np.ix_(inner, outer)])
    return hessian[np.ix_(outer, outer)] - hessian[np.ix_(outer, inner)] @ followed


def typical(curvatures):
    return float(np.median([np.linalg.eigvalsh((each + each.T) / 2).min() for each in curvatures if each.size]))


def settled(case, seed, m=6):
    on, sizes, more = NEURONS[case]
    net = network(on, *sizes, **more)
    substrate = substrate_of(net, params_of(net, seed), batch=m)
    return substrate, substrate.relax(np.random.default_rng(seed).random((m, 5)), stop=Stop(400))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("case", NEURONS)
def test_the_margin_is_that_of_the_whole_jacobian_of_neurons(case, seed):
    substrate, free = settled(case, seed)
    net, spikes = substrate.network, substrate.network.kind.spikes
    fields = mean_field(net) if spikes else substrate.fields
    units = FreeUnits(net, fields, substrate.transmitted, free, substrate.state_of_one, 6)
    states = units.settled()
    moving = units.moving(states)
    assert (moving & ~units.output).any() and (moving & units.output).any()
    each = zip(units.jacobians(states), moving, strict=True)
    expected = typical([dense(-found, units.output, free_to_move) for found, free_to_move in each])
    assert 0.02 < expected < 2 and abs(expected - 1) > 1e-3
    assert substrate.margin(free) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("stable", [True, False], ids=["stable", "unstable"])
@pytest.mark.parametrize("case", ["hard sigmoid", "lateral", "directed", "three hidden layers"])
def test_an_adjoint_of_many_units_is_the_one_of_the_whole_jacobian_which_is_not_built(case, stable, monkeypatch):
    """Also at states that the equations would leave."""
    substrate, free = settled(case, 0)
    weights = {name: value * (1 if stable else 12) for name, value in substrate.transmitted.items()}
    units = FreeUnits(substrate.network, substrate.fields, weights, free, substrate.state_of_one, 6)
    states = units.settled() if stable else np.full((6, units.output.size), 0.3)
    each = zip(units.jacobians(states), units.moving(states), strict=True)
    growing = [np.linalg.eigvals(found[np.ix_(moving, moving)]).real.max() > 0 for found, moving in each]
    assert not any(growing) if stable else all(growing)
    pull = np.random.default_rng(0).normal(size=states.shape)
    whole = units.adjoint(states, pull)
    monkeypatch.setattr("neuroeq.physics.substrates.free_units.MANY", 0)
    monkeypatch.setattr("neuroeq.physics.substrates.free_units.AT_A_TIME", 2 * units.output.size)
    monkeypatch.setattr(units, "jacobians", None)
    found = units.adjoint(states, pull)
    assert np.abs(whole).max() > 0.1 and not np.array_equal(found, whole)
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-8 * np.abs(whole).max())


def test_an_adjoint_that_is_not_found_is_refused(monkeypatch):
    substrate, free = settled("three hidden layers", 0)
    units = FreeUnits(substrate.network, substrate.fields, substrate.transmitted, free, substrate.state_of_one, 6)
    states = units.settled()
    monkeypatch.setattr("neuroeq.physics.substrates.free_units.MANY", 0)
    for name in ("RESTART", "MOST_RESTARTS"):
        monkeypatch.setattr(f"neuroeq.physics.curvature.{name}", 1)
    with pytest.raises(DivergenceError, match=r"'test': the adjoint .* was not found, .* smaller weights"):
        units.adjoint(states, np.ones_like(states))


@pytest.mark.parametrize("case", ["hard sigmoid", "sigmoid", "three hidden layers", "lateral", "directed"])
def test_the_margin_is_that_of_the_whole_jacobian_of_units_that_are_measured(case):
    """The whole one is measured too, which has an error of some 1e-9."""
    substrate, free = settled(case, 0)
    net, inputs = substrate.network, free.activity["input"]
    free = substrate.relax(inputs, start=free.resume, stop=SETTLED)
    sizes = [net.layers[layer].size for layer in free_layers(net)]
    output = np.repeat([layer == "output" for layer in free_layers(net)], sizes)
    moving = [unclipped(net, free, sample) for sample in range(6)]
    whole = [dense(-jacobian(substrate, free, k), output, each) for k, each in enumerate(moving)]
    assert measured_margin(substrate, inputs, free) == pytest.approx(typical(whole), rel=1e-6)
    assert measured_margin(substrate, inputs, free) == pytest.approx(substrate.margin(free), rel=1e-6)


@pytest.mark.parametrize("case", CIRCUITS)
def test_the_limit_is_that_of_the_whole_jacobian_of_circuits(case):
    hardware, sizes = CIRCUITS[case]
    net = network("resistive", *sizes, hardware=hardware)
    params = {name: value + 0.05 for name, value in params_of(net).items()}
    substrate = substrate_of(net, params)
    free = substrate.relax(np.random.default_rng(3).random((4, 4)), stop=Stop(500, 1e-12)).resume
    equations = drive_circuit(free.assembly, free.drive)
    system = Stacked(equations)
    v = system.begin(free.voltages)
    output = np.zeros(system.size, bool)
    output[system.at["output"]] = True
    moving = (v > system.low) & (v < system.high)
    hessians = [np.diag(slope) - system.coupling() for slope in system.slope(v)]
    expected = [
        np.linalg.eigvals(dense(each, output, free_to_move)).real.min()
        for each, free_to_move in zip(hessians, moving, strict=True)
    ]
    np.testing.assert_allclose(stability_limit(equations, free.voltages, "output"), expected, rtol=1e-6)


def test_columns_that_are_solved_in_parts_are_those_that_are_solved_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    hessians = np.eye(30) + 0.1 * rng.normal(size=(5, 30, 30))
    output, moving = np.arange(30) >= 26, rng.random((5, 30)) < 0.8
    monkeypatch.setattr("neuroeq.physics.curvature.AT_A_TIME", 100)
    found = output_curvatures(
        lambda which, x: -np.einsum("cij,cj->ci", hessians[which], x), np.ones((5, 30)), output, moving
    )
    for schur, hessian, free_to_move in zip(found, hessians, moving, strict=True):
        np.testing.assert_allclose(schur, dense(hessian, output, free_to_move), atol=1e-9)


def test_a_curvature_that_is_not_found_to_its_end_is_said():
    """A ring of units that only their neighbour drives: GMRES learns nothing before it has gone around."""
    ring = np.roll(np.eye(2000), 1, axis=0)
    ring[0, 0] = 1.0

    def product(_, x):
        return x @ ring.T

    output = np.arange(2000) == 0
    with pytest.warns(NeuroeqWarning, match=r"to 1 of what the other units add .* margin may be as far off"):
        output_curvatures(product, np.full((1, 2000), -1.0), output, np.ones((1, 2000), bool))


@pytest.mark.parametrize("case", NEURONS)
def test_units_settle_where_plain_steps_of_their_equations_end(case, monkeypatch):
    substrate, free = settled(case, 2)
    net = substrate.network
    fields = mean_field(net) if net.kind.spikes else substrate.fields
    units = FreeUnits(net, fields, substrate.transmitted, free, substrate.state_of_one, 6)
    accelerated = units.settled()
    monkeypatch.setattr("neuroeq.physics.substrates.free_units.SOON", 10**9)  # no implicit steps
    monkeypatch.setattr("neuroeq.physics.substrates.free_units.descends", lambda network: False)  # no momentum
    np.testing.assert_allclose(accelerated, units.settled(), rtol=0, atol=1e-8)
