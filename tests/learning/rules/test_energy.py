"""The energy as a function: what free phases descend, and whose derivative is the rule."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.errors import NeuroeqError
from tests.nets import COST, batch_of, network, params_of, substrate_of

CASES = [
    ("rate", "hard_sigmoid", {}),
    ("rate", "sigmoid", {}),
    ("rate", "sigmoid", {"projections": {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1}}}),
    ("crossbar", "hard_sigmoid", {}),
]
CIRCUITS = [
    ("none", "ideal"),
    ("split", "ideal"),
    ("both", "ideal"),
    ("both", "1n4148"),
]


def made(on="rate", neuron="hard_sigmoid", over=None, **more):
    physics = {"neuron": neuron, "synapse": "rate_derivative", "dt": "1 ms"}
    net = network(on, 5, 7, 3, substrate={on: physics}, **(over or {}), **more)
    return substrate_of(net, params_of(net)), *batch_of(net, 4)


@pytest.mark.parametrize(("on", "neuron", "over"), CASES)
def test_its_derivative_in_a_parameter_is_the_energy_gradient(on, neuron, over):
    substrate, inputs, _ = made(on, neuron, over)
    eq, params = substrate.relax(inputs, stop=Stop(30)), substrate.params
    gradient = substrate.energy_gradient(eq)
    for name in params:
        shifted = []
        for by in (1e-6, -1e-6):
            value = params[name].copy()
            value.flat[1] += by
            if name == "lateral":
                value.T.flat[1] += by
            substrate.params = {**params, name: value}
            shifted.append(substrate.energy(eq).mean())
        assert (shifted[0] - shifted[1]) / 2e-6 == pytest.approx(gradient[name].flat[1], abs=1e-8)


@pytest.mark.parametrize(("diodes", "hardware"), CIRCUITS)
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_of_a_circuit_it_changes_with_every_parameter_as_its_gradient_says(diodes, hardware, beta):
    """At an equilibrium dP/dg is the partial derivative, whatever the voltages do; the nudge's pull is part of P."""
    circuit = {"input_gain": 3.0, "bias_voltages": [1.0], "diodes": diodes}
    net = network(
        "resistive",
        5,
        7,
        3,
        hardware=hardware,
        substrate={"resistive": {"circuit": circuit}},
        layers={"output": {"bias": True}},
    )
    params, (inputs, targets) = params_of(net), batch_of(net, 4)
    nudge = Nudge(beta, targets, COST) if beta else None

    def settled(changed):
        substrate = substrate_of(net, changed)
        return substrate, substrate.relax(inputs, nudge, stop=Stop(500, 1e-13))

    substrate, eq = settled(params)
    gradient = substrate.energy_gradient(eq)
    for name, at in [(name, at) for name, value in params.items() for at in (0, value.size // 2, value.size - 1)]:
        energies = []
        for by in (1e-5, -1e-5):
            value = params[name].copy()
            value.flat[at] += by
            energies.append(np.mean(substrate.energy(settled({**params, name: value})[1])))
        assert (energies[0] - energies[1]) / 2e-5 == pytest.approx(gradient[name].flat[at], rel=1e-5, abs=1e-7)


def test_of_a_circuit_it_is_what_its_resistors_pulls_and_current_sources_add_up_to():
    net = network("resistive", 5, 7, 3, substrate={"resistive": {"circuit": {"diodes": "none"}}})
    substrate, (inputs, targets) = substrate_of(net), batch_of(net, 4)
    eq = substrate.relax(inputs, Nudge(0.3, targets, COST), stop=Stop(500, 1e-13))
    power = substrate.power(eq)
    currents = sum(each for name, each in power.delivered.items() if name.endswith(".current"))
    heat = sum(power.dissipated.values())
    assert "output.pull" in power.dissipated
    np.testing.assert_allclose(substrate.energy(eq), heat / 2 - currents, rtol=1e-12)


def test_of_a_circuit_with_amplifiers_there_is_none():
    net = network("resistive", 5, 7, 3, hardware="1n4148_amplified")
    substrate = substrate_of(net)
    with pytest.raises(NeuroeqError, match="amplifiers act in one direction, so this circuit has no co-content"):
        substrate.energy(substrate.relax(batch_of(net, 2)[0]))


@pytest.mark.parametrize(("on", "neuron", "over"), CASES)
def test_with_the_cost_it_never_rises_in_a_nudged_phase(on, neuron, over):
    """F = E + beta C: Lyapunov's function of the dynamics, with steps well below 2/lambda_max."""
    substrate, inputs, targets = made(on, neuron, over)
    eq = free = substrate.relax(inputs, stop=Stop(300))
    nudge, values = Nudge(0.5, targets, COST), []
    for _ in range(60):
        values.append(substrate.energy(eq) + 0.5 * COST.value(eq.outputs, targets))
        eq = substrate.relax(inputs, nudge, eq.resume, stop=Stop(1))
    assert (np.diff(values, axis=0) <= 1e-12).all() and (values[0] - values[-1] > 1e-3).any()
    assert not np.allclose(free.outputs, eq.outputs)


def test_directed_dynamics_descend_no_energy():
    """Negative control: a rotation within a layer makes the energy of its symmetric part rise."""
    lateral = {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1, "directed": True}
    net = network(
        "rate", 5, 7, 3, projections={"lateral": lateral}, training={"learning": "contrastive", "rule": "vector_field"}
    )
    params = params_of(net)
    turn = np.random.default_rng(0).normal(size=(7, 7))
    params["lateral"] = turn - turn.T
    directed, (inputs, _) = substrate_of(net, params), batch_of(net, 4)
    symmetric = substrate_of(network("rate", 5, 7, 3), {n: v for n, v in params.items() if n != "lateral"})
    eq, values = directed.relax(inputs, stop=Stop(1)), []
    for _ in range(40):
        values.append(symmetric.energy(eq))
        eq = directed.relax(inputs, start=eq.resume, stop=Stop(1))
    assert (np.diff(values, axis=0) > 1e-4).any()
    with pytest.raises(NeuroeqError, match=r"projections.lateral is directed, so there is no energy"):
        directed.energy(eq)


def test_of_a_circuit_it_is_the_co_content_that_the_operating_point_minimises():
    net = network("resistive", 5, 7, 3)
    substrate, (inputs, _) = substrate_of(net), batch_of(net, 2)
    settled = substrate.relax(inputs, stop=Stop(200, 1e-13))
    early = substrate.relax(inputs, stop=Stop(1))
    assert (substrate.energy(early) >= substrate.energy(settled) - 1e-15).all()


def test_spikes_have_none():
    substrate = substrate_of(network("spiking", 3, 4, 2))
    eq = substrate.relax(batch_of(substrate.network, 2)[0], stop=Stop(5))
    with pytest.raises(NeuroeqError, match="is no rate model with one state"):
        substrate.energy(eq)
