"""DEEP with symmetric weights >= 0 and clamped weights in its leak is an RC resistor network, step by step.

C dv_j/dt = sum_i g_ij (v_i - v_j) + beta (y_j - v_j)         the bias a 1 V rail, the clip two ideal diodes
"""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.physics.substrates import ResistiveInTime
from tests.complete import complete, random_weights
from tests.nets import COST, batch_of, network, substrate_of

SIZES, BETA = (3, 5, 2), 0.8
TO_UNIT_INTERVAL = {"neuron": {"nonlinearity": {"model": "ideal", "v_bias_down": "0 V", "v_bias_up": "1 V"}}}
RAIL = {"input_gain": 1.0, "double_inputs": False, "bias_voltages": [1.0], "diodes": "both", "outputs": "single"}


def circuit(unit="1 mS"):
    """Return the complete graph of resistors, an array of them in each layer too, learning nothing."""
    pairs = {"input_output": ("input", "output"), "hidden1_hidden1": ("hidden1",) * 2, "output_output": ("output",) * 2}
    return network(
        "resistive",
        *SIZES,
        layers={"hidden1": {"bias": False}, "output": {"bias": False}},
        projections={name: {"source": a, "target": b, "learning_rate": 0.1} for name, (a, b) in pairs.items()},
        phases={"nudge": "state"},
        substrate={"resistive": {"circuit": {**RAIL, "g_unit": unit}}},
        made_of=TO_UNIT_INTERVAL,
    )


def conductances(params):
    """Return symmetric weights as resistors: rails beside the inputs, pairs within a layer shared by two resistors."""
    g = {
        f"input_{layer}": np.vstack([params[f"input_{layer}"], params[f"{layer}.bias"]])
        for layer in ("hidden1", "output")
    }
    return g | {
        "hidden1_output": params["hidden1_output"],
        "hidden1_hidden1": params["hidden1_hidden1"] / 2,
        "output_output": params["output_output"] / 2,
    }


def at_the_circuits_pace(moving):
    """Return the network of units whose dt/tau is that of the circuit, from 0 as its capacitors."""
    node = moving.network
    net = complete(*SIZES, count_clamped=1)
    model = net.physics.neuron
    ratio = moving.simulation.dt * node.g_unit / node.technology.neuron.c_node
    physics = net.physics.model_copy(update={"neuron": model.model_copy(update={"initial": {}}), "dt": ratio * 10e-3})
    return net.model_copy(update={"substrate": {"rate": physics}})


def paths(x, y, params, steps=150, count_clamped=1, unit="1 mS"):
    """Return the states of both after every free and nudged step: lists of (batch, n)."""
    moving = substrate_of(circuit(unit), conductances(params), engine="stepper")
    assert isinstance(moving, ResistiveInTime)
    units = at_the_circuits_pace(moving)
    if not count_clamped:
        own = units.physics.neuron.model_copy(update={"parameters": {"tau": "10 ms", "count_clamped": 0}})
        units = units.model_copy(update={"substrate": {"rate": units.physics.model_copy(update={"neuron": own})}})
    found = []
    for substrate in (substrate_of(units, params), moving):
        eq, path = None, []
        for nudge in [None] * steps + [Nudge(BETA, y, COST)] * steps:
            eq = substrate.relax(x, nudge, eq and eq.resume, stop=Stop(1))
            path.append(np.concatenate([eq.state["hidden1"], eq.state["output"]], axis=1))
        found.append(np.array(path))
    return found


@pytest.mark.parametrize("unit", ["1 mS", "20 uS"])
def test_the_same_trajectory_free_and_nudged(unit):
    x, y = batch_of(complete(*SIZES), 4)
    deep, rc = paths(x, y, random_weights(SIZES, 1, 0.4, symmetric=True), unit=unit)
    np.testing.assert_allclose(deep, rc, rtol=0, atol=1e-12)
    assert deep[149].min() > 0.05 and np.abs(deep[299] - deep[149]).max() > 0.02


def test_the_same_trajectory_where_diodes_conduct():
    """Inputs beyond the rails drive hidden nodes to both ends; outputs, which have no diodes, are kept from them."""
    x, y = np.random.default_rng(0).uniform(-3, 4, (4, SIZES[0])), batch_of(complete(*SIZES), 4)[1]
    params = random_weights(SIZES, 2, 0.4, symmetric=True)
    params["input_output"][:] = 0
    deep, rc = paths(x, y, params)
    np.testing.assert_allclose(deep, rc, rtol=0, atol=1e-12)
    hidden = deep[-1][:, : SIZES[1]]
    assert (hidden == 0).any() and (hidden == 1).any() and ((hidden > 0) & (hidden < 1)).any()


def test_the_free_phase_ends_at_the_operating_point():
    params, (x, _) = random_weights(SIZES, 3, 0.4, symmetric=True), batch_of(complete(*SIZES), 4)
    still = substrate_of(circuit(), conductances(params)).relax(x, stop=Stop(500, 1e-13))
    units = substrate_of(complete(*SIZES, count_clamped=1), params).relax(x, stop=Stop(20_000, 1e-13))
    for layer in still.state:
        np.testing.assert_allclose(units.state[layer], still.state[layer], rtol=0, atol=1e-11)


def test_deeps_own_leak_ends_elsewhere():
    """The negative control: without the clamped weights in the leak it is no circuit."""
    x, y = batch_of(complete(*SIZES), 4)
    deep, rc = paths(x, y, random_weights(SIZES, 1, 0.4, symmetric=True), count_clamped=0)
    assert np.abs(deep[149] - rc[149]).max() > 0.1
