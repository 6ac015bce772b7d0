"""Diodes: current, slope and co-content belong together, and nothing overflows."""

import numpy as np
import pytest
from scipy.optimize import brentq

from neuroeq.physics.circuits.circuit import Layer
from neuroeq.physics.circuits.diodes import PiecewiseDiode, ShockleyDiode
from neuroeq.physics.circuits.junctions import Junctions
from neuroeq.units import physical

DIODES = {
    "piecewise": PiecewiseDiode(0.3, 1e3, 1e7),
    "piecewise, open at 0 V": PiecewiseDiode(-0.2, 1e3, 1e7),
    "shockley": ShockleyDiode(1e-8),
    "spice": ShockleyDiode(4.352e-9, 1.906, spice=True),
    "cold": ShockleyDiode(1e-8, 0.05),
}
DROPS = np.array([-5, -1, -0.5, -0.16, -0.14, -0.05, -0.01, 0.02, 0.1, 0.31, 0.6, 1.9, 5.0, 50.0])
SHIFT = 1e-6


@pytest.mark.parametrize("diode", DIODES.values(), ids=DIODES)
def test_slope_and_current_are_derivatives_of_current_and_content(diode):
    """Up to the rounding of a current of 10 nA, divided by the shift."""
    slope = (diode.current(DROPS + SHIFT) - diode.current(DROPS - SHIFT)) / (2 * SHIFT)
    np.testing.assert_allclose(slope, diode.slope(DROPS), rtol=1e-5, atol=1e-17)
    current = (diode.content(DROPS + SHIFT) - diode.content(DROPS - SHIFT)) / (2 * SHIFT)
    np.testing.assert_allclose(current, diode.current(DROPS), rtol=1e-6, atol=1e-16)
    assert diode.content(np.zeros(1)) == 0


@pytest.mark.parametrize("diode", DIODES.values(), ids=DIODES)
def test_current_never_falls_with_the_drop_and_never_overflows(diode):
    drops = np.concatenate([np.linspace(-2, 2, 4001), np.geomspace(2, 1e6, 50)])
    with np.errstate(all="raise", under="ignore"):
        current = diode.current(drops)
        assert np.isfinite(diode.content(drops)).all() and np.isfinite(diode.slope(drops)).all()
    assert (np.diff(current) >= 0).all()


def test_spice_diode_is_continuous_where_its_formula_changes():
    diode = ShockleyDiode(1e-8, spice=True)
    knee = -3 * diode.n_vt
    below, above = diode.current(knee + np.array([-1e-12, 1e-12]))
    assert below == pytest.approx(above, rel=1e-9)


def test_thermal_voltage_at_27_degrees():
    """25.865 mV; ngspice's constants of 2014 differ in the sixth digit."""
    assert ShockleyDiode(1e-8).n_vt == pytest.approx(25.8649e-3, rel=1e-5)
    assert ShockleyDiode(1e-8, spice=True).n_vt / ShockleyDiode(1e-8).n_vt - 1 == pytest.approx(-3.394e-7, rel=1e-3)


@pytest.mark.parametrize(("kelvin", "volts"), [(300.15, 0.6085), (350.15, 0.5123)])
def test_the_drop_of_a_1n4148_falls_with_temperature(kelvin, volts):
    """5 V behind 4.4 kohm, as ngspice 39 has it with tnom = 27: -1.9 mV/K."""
    diode = ShockleyDiode(4.352e-9, 1.906, kelvin)
    drop = brentq(lambda v: (5 - v) / 4400 - float(diode.current(np.array(v))), 0, 2)
    assert drop == pytest.approx(volts, abs=1e-4)


def test_drop_is_the_inverse_of_the_current():
    diode, current = ShockleyDiode(1e-8, 1.5), np.geomspace(1e-10, 1, 11)
    np.testing.assert_allclose(diode.current(diode.drop(current)), current, rtol=1e-12)


@pytest.mark.parametrize("name", ["piecewise", "piecewise, open at 0 V", "shockley"])
def test_the_expression_for_circuits_in_time_is_the_current(name):
    expression, drops = DIODES[name].expression(), DROPS[np.abs(DROPS) < 1]
    values = {constant: physical(value).value for constant, value in expression.constants.items()}
    said = eval(expression.text, {"exp": np.exp, "int": np.int_, "DROP": drops, **values})
    np.testing.assert_allclose(said, DIODES[name].current(drops), rtol=1e-12, atol=1e-22)


def test_a_shockley_diode_of_which_a_file_says_no_more_than_the_current_is_an_ideal_junction():
    said = ShockleyDiode.fields(model="shockley", i_s="1 nA")
    assert ShockleyDiode.of(said, 1.0, 1.0, 300.15) == ShockleyDiode(1e-9, n=1.0)


def test_no_diode_conducts_where_its_bias_is_infinite():
    pair = Junctions(Layer(3, ShockleyDiode(1e-8), np.array([-np.inf, 0, -0.1]), np.array([0, np.inf, 0.1])))
    v = np.array([[-1.0, 1.0, 0.0]])
    assert pair.current(v)[0] == pytest.approx([-1e-8, 1e-8, 0], rel=1e-9, abs=1e-22)
    assert pair.slope(v)[0, 2] > 0
    assert np.isfinite(pair.content(v)).all()
