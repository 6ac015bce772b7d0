"""The series for the wires of a crossbar, against the exact solution."""

from dataclasses import replace

import numpy as np
import pytest

from neuroeq.physics.circuits.crossbar import effective_conductance
from neuroeq.physics.circuits.wire_series import series
from neuroeq.physics.circuits.wires import Wires
from tests.physics.circuits.test_wires import REAL, TILED, cells, relative

SMALL = {"r_row": 0.01, "r_col": 0.025, "r_source": 0.3, "r_sense": 0.07}
ONE_AT_A_TIME = [Wires(**{name: ohm}) for name, ohm in SMALL.items()]


def both(g, wires):
    return series(g, wires)[0], effective_conductance(g, wires)


def test_without_resistance_it_is_the_conductances_and_nothing_is_left_out():
    g = cells(10, 7)
    for wires in (Wires(), Wires(max_rows=4, max_cols=3)):
        effective, left_out = series(g, wires)
        np.testing.assert_array_equal(effective, g)
        assert not left_out.any()


@pytest.mark.parametrize("wires", [*ONE_AT_A_TIME, Wires(**SMALL), TILED], ids=str)
def test_it_has_the_loss_of_the_exact_solution_whichever_part_of_the_wires_makes_it(wires):
    """The loss is 1e-5 to 1e-1 of the conductances, and the series is wrong by less than 1 % of it."""
    g = cells(10, 7)
    found, exact = both(g, wires)
    assert np.abs(found - exact).max() < 0.01 * np.abs(g - exact).max()


def test_its_error_falls_with_the_third_power_of_the_resistance():
    """With equal conductances, where a mean is no approximation."""
    g = np.full((12, 9), 1e-4)
    errors = [relative(*both(g, Wires(r, 2 * r, 3 * r, r))) for r in (4.0, 2.0, 1.0)]
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 8, rtol=0.1)


def test_with_unequal_conductances_a_small_error_of_second_order_is_left():
    g = cells(12, 9)
    large, small = (relative(*both(g, Wires(r, r))) for r in (0.1, 0.01))
    assert small / large == pytest.approx(0.01, rel=0.1)
    assert large < 1e-4 * relative(g, effective_conductance(g, Wires(0.1, 0.1)))


def test_arrays_are_solved_together_and_tile_by_tile():
    g = np.stack([cells(10, 7), cells(10, 7, seed=1)])
    together, left_out = series(g, TILED)
    for each, effective, error in zip(g, together, left_out, strict=True):
        for rows, columns in TILED.tiles(each.shape):
            alone = series(each[rows, columns], replace(TILED, max_rows=None, max_cols=None))
            np.testing.assert_allclose(effective[rows, columns], alone[0], rtol=1e-14)
            np.testing.assert_allclose(error[rows, columns], alone[1], rtol=1e-14)


def test_a_cell_that_is_left_out_changes_nothing_but_what_flows_around_it():
    g = cells(10, 7)
    g[3], g[:, 2] = 0, 0
    found, exact = both(g, REAL)
    assert np.isfinite(found).all()
    assert np.abs(found - exact).max() < 0.05 * np.abs(g - exact).max()


WINDOWS = {"pcm": (0.1, 25), "ecram_mo": (1, 10), "hfo2_rram_alox": (13.36, 59.17), "hfo2_reram_array": (9, 88.2)}
"""Conductances of devices [uS]."""
BOARD = Wires(0.35, 0.35, max_rows=64, max_cols=64)


def pairs(name, held):
    """Return 64 x 64 pairs of devices: of trained size or filling the window, from its bottom or about its middle."""
    low, high = (1e-6 * each for each in WINDOWS[name])
    rng = np.random.default_rng(0)
    weight = (high - low) * (rng.uniform(-1, 1, (64, 64)) if "full" in held else 0.05 * rng.standard_normal((64, 64)))
    if "middle" in held:
        return np.stack([(low + high + weight) / 2, (low + high - weight) / 2])
    return low + np.stack([np.maximum(weight, 0), np.maximum(-weight, 0)])


@pytest.mark.parametrize("held", ["full from the bottom", "full about the middle", "trained about the middle"])
@pytest.mark.parametrize("name", WINDOWS)
def test_on_boards_of_shipped_devices_weights_are_within_a_thousandth_of_the_largest(name, held):
    """And within the estimate: the difference of what is left out of the two devices of each weight."""
    g = pairs(name, held)
    effective, left_out = series(g, BOARD)
    exact = np.stack([effective_conductance(each, BOARD) for each in g])
    scale = np.abs(exact[0] - exact[1]).max()
    error = np.abs((effective - exact)[0] - (effective - exact)[1]).max() / scale
    assert error < 5e-4
    assert error < np.abs(left_out[0] - left_out[1]).max() / scale < 1e-3
