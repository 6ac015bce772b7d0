"""Crossbars whose wires have resistance, against closed forms, reciprocity and ngspice."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from neuroeq.errors import DataError, SpecError
from neuroeq.physics.circuits import crossbar, wire_ladder
from neuroeq.physics.circuits.crossbar import crossbar_currents, effective_conductance, terminal_conductance
from neuroeq.physics.circuits.spice import ngspice
from neuroeq.physics.circuits.spice.crossbar import crossbar_netlist, sensed_currents
from neuroeq.physics.circuits.wires import Wires

REAL = Wires(r_row=1.0, r_col=2.5, r_source=30.0, r_sense=7.0)
TILED = replace(REAL, max_rows=4, max_cols=3)
"""Neither divides 10 x 7."""
SOME_ZERO = [
    Wires(**dict(zip(("r_row", "r_col", "r_source", "r_sense"), ohms, strict=True)))
    for ohms in [(0, 2, 0, 0), (0, 2, 5, 0), (1, 0, 0, 0), (1, 0, 0, 4), (0, 0, 5, 0), (0, 0, 0, 4), (0, 0, 5, 4)]
]


def cells(*shape, seed=0):
    return np.random.default_rng(seed).uniform(1e-6, 1e-4, shape)


def drives(*shape, seed=1):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape)


def relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


def test_wires_without_resistance_multiply_by_the_conductances():
    g, v = cells(10, 7), drives(3, 10)
    for wires in (Wires(), Wires(max_rows=4, max_cols=3)):
        assert np.array_equal(effective_conductance(g, wires), g)
        np.testing.assert_allclose(crossbar_currents(g, v, wires), v @ g, rtol=1e-13)


def test_loss_vanishes_with_the_resistance_and_in_proportion():
    """Down to 0.1 uohm, where the loss is a billionth and rounding of node voltages would hide it."""
    g = cells(10, 7)
    losses = [relative(effective_conductance(g, Wires(r, r, r, r)), g) for r in (1e-1, 1e-3, 1e-5, 1e-7)]
    assert losses[0] < 1e-3
    np.testing.assert_allclose(np.divide(losses[:-1], losses[1:]), 100, rtol=1e-2)


@pytest.mark.parametrize("wires", SOME_ZERO, ids=str)
def test_a_resistance_of_zero_is_the_limit_of_small_ones(wires):
    """A microohm for each: some 30 segments of it at 0.1 mS take away 3e-9."""
    g = cells(6, 5)
    names = ("r_row", "r_col", "r_source", "r_sense")
    small = replace(wires, **{name: 1e-6 for name in names if not getattr(wires, name)})
    assert 0 < relative(effective_conductance(g, wires), effective_conductance(g, small)) < 1e-8


def test_one_cell_is_five_resistances_in_series():
    found = effective_conductance(np.array([[1e-3]]), REAL)
    np.testing.assert_allclose(found, 1 / (30 + 1 + 1e3 + 2.5 + 7), rtol=1e-13)


def test_one_row_is_a_ladder():
    """Without column wires the row is R in series, G in parallel: reduced from its far end."""
    g, wires = cells(1, 6), Wires(r_row=50.0, r_source=200.0)
    conductance = 0.0
    for cell in g[0, ::-1]:
        conductance = 1 / (50.0 + 1 / (conductance + cell))
    total = 1 / (200.0 + 1 / conductance)
    np.testing.assert_allclose(effective_conductance(g, wires).sum(), total, rtol=1e-13)


def test_a_uniform_ladder_falls_as_hyperbolic_cosine():
    """(R G) v_j is the second difference of v, open at the far end: v_j ~ cosh((n - j + 1/2) theta)."""
    n, r, g = 8, 40.0, 1e-3
    theta = np.arccosh(1 + r * g / 2)
    fall = np.cosh((n - np.arange(n + 1) + 0.5) * theta)
    found = effective_conductance(np.full((1, n), g), Wires(r_row=r))[0]
    np.testing.assert_allclose(found, g * fall[1:] / fall[0], rtol=1e-12)


def test_column_wires_are_row_wires_turned_around():
    """Seen from the sensed end a column wire is what a row wire is from the driven end."""
    g = cells(6, 4)
    turned = effective_conductance(g[::-1, ::-1].T, Wires(r_row=2.5, r_col=1.0, r_source=7.0, r_sense=30.0))
    np.testing.assert_allclose(effective_conductance(g, REAL), turned[::-1, ::-1].T, rtol=1e-12)


@pytest.mark.parametrize("wires", [REAL, TILED, *SOME_ZERO], ids=str)
def test_row_after_row_gives_what_one_sparse_solution_of_all_nodes_gives(wires):
    for shape in ((10, 7), (7, 10), (1, 5), (5, 1), (150, 9), (9, 150)):  # rows are taken 64 at a time
        g = cells(*shape)
        g[0, 0] = 0
        y = terminal_conductance(g, wires)
        np.testing.assert_allclose(effective_conductance(g, wires), -y[: len(g), len(g) :], rtol=1e-11, atol=1e-20)


@pytest.mark.parametrize("wires", [REAL, TILED, *SOME_ZERO], ids=str)
def test_crossbars_are_reciprocal_and_conserve_current(wires):
    y = terminal_conductance(cells(10, 7), wires)
    np.testing.assert_allclose(y, y.T, rtol=1e-11)
    assert np.abs(y.sum(axis=1)).max() < 1e-12 * np.abs(y).max()
    np.testing.assert_allclose(-y[:10, 10:], effective_conductance(cells(10, 7), wires), rtol=1e-11)


@pytest.mark.parametrize("wires", [REAL, TILED], ids=str)
def test_what_rows_are_fed_is_what_columns_deliver(wires):
    g, v = cells(10, 7), drives(3, 10)
    fed = np.hstack([v, np.zeros((3, 7))]) @ terminal_conductance(g, wires)
    np.testing.assert_allclose(fed[:, :10].sum(axis=1), crossbar_currents(g, v, wires).sum(axis=1), rtol=1e-11)


def test_an_array_that_is_driven_again_is_not_solved_again_unless_its_cells_or_wires_change(monkeypatch):
    g, solved = cells(10, 7, seed=42), []
    monkeypatch.setattr(
        crossbar, "effective_tile", lambda g, wires: solved.append(0) or wire_ladder.effective_tile(g, wires)
    )
    for seed in range(3):
        found = crossbar_currents(g, drives(3, 10, seed=seed), REAL)
        np.testing.assert_array_equal(found, drives(3, 10, seed=seed) @ effective_conductance(g, REAL))
    assert len(solved) == 1 + 3
    g[0, 0] *= 2
    changed = crossbar_currents(g, drives(3, 10), REAL)
    np.testing.assert_array_equal(changed, drives(3, 10) @ effective_conductance(g, REAL))
    assert not np.array_equal(changed, crossbar_currents(g, drives(3, 10), replace(REAL, r_sense=8.0)))


def test_backwards_is_the_transpose_if_source_and_sense_resistances_are_equal():
    g = cells(10, 7)
    for wires in (replace(REAL, r_sense=REAL.r_source), replace(TILED, r_sense=TILED.r_source)):
        forward, backward = effective_conductance(g, wires), effective_conductance(g, wires, backward=True)
        assert np.array_equal(backward, forward.T)
    forward, backward = effective_conductance(g, REAL), effective_conductance(g, REAL, backward=True)
    assert relative(backward, forward.T) > 1e-3


@pytest.mark.parametrize("wires", [REAL, replace(REAL, r_row=0.0), replace(REAL, r_col=0.0)], ids=str)
def test_backwards_drives_the_columns_where_they_were_sensed(wires):
    """Turned by half a circle and transposed, the columns are rows, and their sensed ends come first."""
    g, v = cells(10, 7), drives(3, 7)
    turned = replace(wires, r_row=wires.r_col, r_col=wires.r_row)
    expected = crossbar_currents(g[::-1, ::-1].T, v[:, ::-1], turned)[:, ::-1]
    np.testing.assert_allclose(crossbar_currents(g, v, wires, backward=True), expected, rtol=1e-12)


def test_tiles_are_crossbars_of_their_own():
    g, v = cells(10, 7), drives(3, 10)
    expected = np.zeros((3, 7))
    for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
        for columns in (slice(0, 3), slice(3, 6), slice(6, 7)):
            expected[:, columns] += crossbar_currents(g[rows, columns], v[:, rows], REAL)
    np.testing.assert_allclose(crossbar_currents(g, v, TILED), expected, rtol=1e-12)


def test_smaller_tiles_lose_less():
    g = cells(64, 64)
    losses = [relative(effective_conductance(g, Wires(1.0, 1.0, max_rows=m, max_cols=m)), g) for m in (64, 32, 16, 8)]
    assert all(small < 0.5 * large for large, small in pairwise(losses))


def test_cells_without_conductance_leave_the_rest():
    g = cells(5, 4)
    g[2], g[:, 1] = 0, 0
    found = effective_conductance(g, REAL)
    assert np.array_equal(found == 0, g == 0)
    np.testing.assert_allclose(found[:, [0, 2, 3]] > 0, g[:, [0, 2, 3]] > 0)


@pytest.mark.skipif(not ngspice.available(), reason="ngspice is not installed")
@pytest.mark.parametrize(
    ("shape", "wires"),
    [
        ((32, 32), Wires(1.0, 1.0)),
        pytest.param((64, 64), Wires(1.0, 1.0), marks=pytest.mark.slow),
        ((10, 7), TILED),
        *(((6, 5), wires) for wires in SOME_ZERO),
    ],
    ids=str,
)
def test_ngspice_senses_the_same_currents(shape, wires):
    g, v = cells(*shape), drives(shape[0])
    found = sensed_currents(shape, wires, ngspice.simulate(crossbar_netlist(g, v, wires)))
    assert relative(found, crossbar_currents(g, v[None], wires)) < 1e-11


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"r_row": -1.0}, r"wires: r_row is -1.0 ohm; expected 0 or more"),
        ({"r_sense": np.nan}, r"wires: r_sense is nan ohm; expected 0 or more"),
        ({"r_source": np.inf}, r"wires: r_source is inf ohm; expected 0 or more"),
        ({"max_cols": 0}, r"wires: max_cols is 0; expected 1 or more cells"),
    ],
)
def test_impossible_wires_are_refused(over, sentence):
    with pytest.raises(SpecError, match=sentence):
        Wires(**over)


@pytest.mark.parametrize("value", [-1e-6, np.nan, np.inf])
def test_impossible_cells_are_refused(value):
    g = cells(3, 4)
    g[1, 2] = value
    for call in (effective_conductance, terminal_conductance, lambda g, w: crossbar_netlist(g, drives(3), w)):
        with pytest.raises(DataError, match=rf"crossbar: conductance \(1, 2\) is {value} S; expected 0 or more"):
            call(g, REAL)


def test_voltages_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match=r"voltages have shape \(2, 4\); expected \(batch, 3\)"):
        crossbar_currents(cells(3, 4), drives(2, 4), REAL)
    with pytest.raises(DataError, match="a voltage is not finite"):
        crossbar_currents(cells(3, 4), np.full((2, 3), np.nan), REAL)
    with pytest.raises(DataError, match=r"conductances have shape \(12,\); expected \(n_rows, n_cols\)"):
        crossbar_currents(cells(12), drives(2, 3), REAL)
