"""Oscillators have a margin where they settle, and none where natural frequencies keep their phases turning."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.describe.catalog import load_model
from neuroeq.describe.spec import NeuronModel
from neuroeq.physics.substrates import build
from tests.nets import network

OSCILLATORS = {"oscillator": {"neuron": "kuramoto", "synapse": "oscillator"}}


def free_phase(field, **made_of):
    """Return an oscillator in a field of its input, coupled to another in no field, and its free equilibrium."""
    described = network("oscillator", 1, 1, 1, substrate=OSCILLATORS, made_of={"oscillators": made_of})
    params = {"input_hidden1": [[field]], "hidden1_output": [[1.0]], "hidden1.bias": [0.0], "output.bias": [0.5]}
    substrate = build(described, params, 4, target="numpy")
    return substrate, substrate.relax(np.ones((4, 1)))


def test_phases_that_go_on_turning_have_no_limit():
    substrate, free = free_phase(0.1, omega_sd=100.0)
    assert substrate.margin(free) == np.inf


def test_phases_that_settle_away_from_the_ends_have_the_curvature_over_the_squared_slope():
    """Frequencies shift them from 0; H = h cos(phi) + J cos(d) at the output, and its readout has slope sin(phi)/2."""
    substrate, free = free_phase(2.0, omega_sd=0.3)
    end = substrate.relax(np.ones((1, 1)), stop=Stop(4000))
    hidden, output = (float(end.state[layer][0, 0]) for layer in ("hidden1", "output"))
    coupling = np.cos(hidden - output)
    curvature = 0.5 * np.cos(output) + coupling - coupling**2 / (2 * np.cos(hidden) + coupling)
    assert substrate.margin(free) == pytest.approx(curvature / (np.sin(output) / 2) ** 2, rel=1e-3)


def test_what_oscillators_send_is_bounded():
    assert load_model(NeuronModel, "kuramoto").bounded
