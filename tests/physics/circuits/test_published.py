"""A deep resistive network 18-8-4 with ideal diodes, as published code settles it.

`rain_drn_1h_f64.npz` was made with https://github.com/rain-neuromorphics/energy-based-learning, commit 6b253fd (MIT).
It nudges with a conductance, whose product with the target is taken with a float32 copy of beta.
"""

import numpy as np
import pytest

from neuroeq.errors import DataError, DivergenceError
from neuroeq.physics.circuits.assembly import assemble
from neuroeq.physics.circuits.circuit import Circuit, Drive, Layer
from neuroeq.physics.circuits.diodes import IdealDiode
from neuroeq.physics.circuits.equations import drive_circuit
from neuroeq.physics.circuits.gradient import contrast
from neuroeq.physics.circuits.solve import operating_point
from neuroeq.physics.circuits.stability import stability_limit
from tests.conftest import DATA

CIRCUIT = Circuit(
    {"x": 18},
    {"h": Layer(8, IdealDiode(), low=np.repeat([0, -np.inf], 4), high=np.repeat([np.inf, 0], 4)), "y": Layer(4)},
    {"x_h": ("x", "h"), "h_y": ("h", "y")},
)


@pytest.fixture(scope="module")
def published():
    return dict(np.load(DATA / "rain_drn_1h_f64.npz"))


@pytest.fixture(scope="module")
def case(published):
    x = published["gain"] * published["x"].reshape(6, 9)
    biases = {"h": published["param_0_Bias"], "y": published["param_1_Bias"]}
    g = {"x_h": published["param_2_DenseWeight"].reshape(18, 8), "h_y": published["param_3_DenseWeight"]}
    return g, Drive({"x": np.concatenate([x, -x], axis=1)}, currents=biases), np.eye(4)[published["y"]]


def settle(case, beta=0.0, start=None):
    g, drive, targets = case
    pulls = {"y": (beta, targets * float(np.float32(beta)) / beta)} if beta else {}
    return operating_point(CIRCUIT, g, Drive(drive.sources, drive.currents, pulls), start)


def test_free_voltages(published, case):
    point = settle(case)
    assert point.converged
    np.testing.assert_allclose(point.voltages["h"], published["free_1"], atol=1e-9)
    np.testing.assert_allclose(point.voltages["y"], published["free_2"], atol=1e-9)
    assert 0.5 < (point.voltages["h"] == 0).mean() < 0.6


@pytest.mark.parametrize("beta", [0.001, 0.1, 1.0])
def test_nudged_voltages(published, case, beta):
    point = settle(case, beta, settle(case).voltages)
    assert point.converged
    np.testing.assert_allclose(point.voltages["h"], published[f"nudged_b{beta}_1"], atol=1e-8)
    np.testing.assert_allclose(point.voltages["y"], published[f"nudged_b{beta}_2"], atol=1e-8)


@pytest.mark.parametrize("beta", [0.001, 0.1])
def test_gradients(published, case, beta):
    free = settle(case).voltages
    plus, minus = (settle(case, sign * beta, free).voltages for sign in (1, -1))
    found = contrast(CIRCUIT, case[1].sources, [(0.5 / beta, plus), (-0.5 / beta, minus)])
    for index, name in ((2, "x_h"), (3, "h_y")):
        truth = published[f"epgrad_b{beta}_{index}"].reshape(found[name].shape)
        np.testing.assert_allclose(found[name], truth, atol=1e-6 * np.abs(truth).max())


def test_gradient_of_a_small_nudge_is_that_of_back_propagation_through_the_relaxation(published, case):
    free = settle(case).voltages
    plus, minus = (settle(case, beta, free).voltages for beta in (1e-3, -1e-3))
    found = contrast(CIRCUIT, case[1].sources, [(500, plus), (-500, minus)])
    for index, name in ((2, "x_h"), (3, "h_y")):
        truth = published[f"tbpgrad_{index}"].reshape(found[name].shape)
        assert np.linalg.norm(found[name] - truth) < 1e-4 * np.linalg.norm(truth)


def test_negative_nudge_is_limited_to_a_conductance_below_the_least_sum(case):
    """.191 S, where the least sum of conductances at an output is .223 S."""
    g, drive, _ = case
    equations = drive_circuit(assemble(CIRCUIT, g, drive.sources), drive)
    limit = stability_limit(equations, settle(case).voltages, "y")
    assert limit.shape == (6,)
    assert 0.191 < limit.min() < 0.192
    assert g["h_y"].sum(axis=0).min() == pytest.approx(0.223, abs=5e-4)
    assert settle(case, -0.98 * limit.min()).converged
    with pytest.raises(DivergenceError, match="nudge with a smaller beta"):
        settle(case, -1.02 * limit.max())
    with pytest.raises(DataError, match="would run away"):
        settle(case, -1.0)
