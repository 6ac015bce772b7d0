"""A node with one Shockley diode rests where its currents cancel; sweeps over such nodes end where Newton's do."""

import numpy as np
import pytest
from scipy.special import wrightomega

from neuroeq.physics.circuits import kernels
from neuroeq.physics.circuits.circuit import Layer
from neuroeq.physics.circuits.diodes import IdealDiode, ShockleyDiode
from neuroeq.physics.circuits.single_diodes import single_diodes
from neuroeq.physics.circuits.solve import operating_point
from tests.physics.circuits.circuits import SHOCKLEY, random_case

LOW, HIGH = np.array([-0.3, -np.inf, -np.inf]), np.array([np.inf, 0.3, np.inf])
THREE = Layer(3, SHOCKLEY, LOW, HIGH)
"""A node with a diode below, one with a diode above, one without."""


def test_currents_cancel_where_a_node_comes_to_rest(rng):
    """D (c - v) flows in and through the diode; rounding of v = 3 V, times D and the diode's slope, is left."""
    conductance, without = np.array([1e-4, 2e-5, 3e-4]), rng.uniform(-3, 3, (200, 3))
    v = single_diodes(THREE).rest(without, conductance)
    drawn = np.zeros_like(v)
    drawn[:, 0] = -SHOCKLEY.current(LOW[0] - v[:, 0])
    drawn[:, 1] = SHOCKLEY.current(v[:, 1] - HIGH[1])
    slope = conductance + np.abs(drawn) / SHOCKLEY.n_vt
    assert (np.abs(conductance * (without - v) - drawn) < 1e-14 * slope).all()
    assert np.abs(drawn[:, :2]).max() > 1e4 * SHOCKLEY.i_s
    np.testing.assert_array_equal(v[:, 2], without[:, 2])


def test_only_single_shockley_diodes_have_a_closed_form():
    assert single_diodes(Layer(3, IdealDiode(), LOW, HIGH)) is None
    assert single_diodes(Layer(3, ShockleyDiode(1e-9, spice=True), LOW, HIGH)) is None
    assert single_diodes(Layer(3, SHOCKLEY, -0.3, HIGH)) is None


def test_single_precision_stays_single():
    without, conductance = np.ones((2, 3), "float32"), np.full(3, 1e-4, "float32")
    rest = single_diodes(THREE).rest(without, conductance)
    assert rest.dtype == np.float32
    np.testing.assert_allclose(rest, single_diodes(THREE).rest(without.astype(float), conductance), rtol=1e-6)


@pytest.mark.parametrize("sizes", [(6, 5, 3), (6, 5, 7, 4, 3)], ids=["one hidden layer", "three hidden layers"])
def test_sweeps_end_where_newtons_method_does(rng, sizes):
    circuit, g, drive = random_case(rng, sizes=sizes, single=True)
    point = operating_point(circuit, g, drive)
    swept = [operating_point(circuit, g, drive, tolerance=None, iterations=sweeps) for sweeps in (2, 8, 200)]
    away = [max(np.abs(each.voltages[k] - point.voltages[k]).max() for k in circuit.layers) for each in swept]
    assert away[0] > 10 * away[1] and away[2] < 1e-13
    assert [each.iterations for each in swept] == [2, 8, 200]


@pytest.mark.skipif(not kernels.available(), reason="needs numba")
@pytest.mark.parametrize("guess", [0.0, 1e-30, 0.5, 40.0])
def test_the_compiled_function_is_wrights_omega_from_any_guess(guess):
    """Rounding of z = 60 is 7e-15 of w."""
    from neuroeq.physics.circuits.fused.sweeps import rest

    z, w, one = np.linspace(-60, 200, 5001), np.full(5001, guess), np.ones(5001)
    v = z.copy()
    rest(v, w, one, 0 * one, 0 * one, 0 * one, 1.0, np.finfo(float).eps)
    np.testing.assert_allclose(w, wrightomega(z), rtol=1e-14, atol=0)
    np.testing.assert_allclose(v, z - w, rtol=0, atol=1e-13)
