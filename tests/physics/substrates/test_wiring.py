"""The arrays of a network with their wires: when they are approximated, and how far that can go wrong."""

import warnings

import numpy as np
import pytest

from neuroeq.data import load
from neuroeq.errors import NeuroeqWarning
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.circuits.crossbar import effective_conductance
from neuroeq.physics.circuits.wires import Wires
from neuroeq.physics.substrates import wiring
from neuroeq.physics.substrates.wiring import BOUND, WiredArrays
from neuroeq.randomness import Streams
from tests.nets import network, params_of, substrate_of

BOARD = Wires(0.35, 0.35, max_rows=8, max_cols=8)
LONG = Wires(100.0, 100.0)


def devices(n=2, shape=(20, 12)):
    return tuple(np.random.default_rng(0).uniform(1e-6, 5e-5, (n, *shape)))


def exact(wires, *cells):
    return np.stack([effective_conductance(g, wires) for g in cells])


def weight(cells):
    return cells[0] - cells[1] if len(cells) == 2 else cells[0]


@pytest.mark.parametrize("n", [1, 2])
def test_arrays_are_solved_exactly_but_between_start_and_stop(n):
    arrays, g = WiredArrays({"w": BOARD}, "test"), devices(n)
    expected = exact(BOARD, *g)
    np.testing.assert_array_equal(arrays.effective("w", *g), expected)
    arrays.start(None)
    approximate = arrays.effective("w", *g)
    assert 0 < np.abs(weight(approximate) - weight(expected)).max() < BOUND * np.abs(weight(expected)).max()
    arrays.stop()
    np.testing.assert_array_equal(arrays.effective("w", *g), expected)


def test_an_error_that_is_expected_beyond_the_bound_is_told_once_and_the_array_is_solved_exactly():
    arrays, g = WiredArrays({"w": LONG}, "board.toml"), devices()
    arrays.start(None)
    with pytest.warns(NeuroeqWarning, match=r"board.toml: .*array 'w' is expected to be wrong by .* more than 0.001"):
        found = arrays.effective("w", *g)
    np.testing.assert_array_equal(found, exact(LONG, *g))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        arrays.effective("w", *g)
        assert arrays.check() == 0


@pytest.mark.parametrize("n", [1, 2])
def test_a_check_finds_the_largest_error_of_the_arrays_that_were_used_last(n):
    wires, (small, large) = Wires(0.35, 0.35), (tuple(f * g for g in devices(n)) for f in (0.1, 1))
    arrays = WiredArrays({"a": wires, "b": wires}, "test")
    arrays.start(None)
    used = arrays.effective("a", *large)
    arrays.effective("b", *small)
    wrong = weight(used) - weight(exact(wires, *large))
    assert arrays.check() == pytest.approx(np.abs(wrong).max() / np.abs(weight(used)).max())
    arrays.effective("a", *small)
    assert 0 < arrays.check() < 0.1 * np.abs(wrong).max() / np.abs(weight(used)).max()


def test_a_check_solves_the_tile_that_is_worst():
    """One tile has large conductances, and the others have small ones."""
    g = np.full((2, 20, 12), 1e-7)
    g[0, 8:16, 8:] = 5e-5
    arrays = WiredArrays({"w": BOARD}, "test")
    arrays.start(None)
    wrong = weight(arrays.effective("w", *g)) - weight(exact(BOARD, *g))
    assert arrays.check() == pytest.approx(np.abs(wrong).max() / 5e-5, rel=0.05)


def test_an_error_that_is_found_beyond_the_bound_ends_the_approximation(monkeypatch):
    arrays, g = WiredArrays({"w": BOARD}, "test"), devices()
    arrays.start(None)
    arrays.effective("w", *g)
    with monkeypatch.context() as patched, pytest.warns(NeuroeqWarning, match=r"array 'w' was wrong by .* largest"):
        patched.setattr(wiring, "BOUND", 1e-9)
        arrays.check()
    np.testing.assert_array_equal(arrays.effective("w", *g), exact(BOARD, *g))


def test_an_error_that_was_found_before_a_run_was_resumed_ends_the_approximation_too():
    arrays, g = WiredArrays({"w": BOARD}, "test"), devices()
    arrays.start(2 * BOUND)
    np.testing.assert_array_equal(arrays.effective("w", *g), exact(BOARD, *g))


def test_what_was_solved_exactly_since_is_not_checked():
    arrays, g = WiredArrays({"w": Wires(50.0, 50.0)}, "test"), devices()
    arrays.start(None)
    arrays.effective("w", *(0.01 * each for each in g))
    assert arrays.check() > 0
    with pytest.warns(NeuroeqWarning, match="solved exactly"):
        arrays.effective("w", *g)
    assert arrays.check() == 0


@pytest.mark.filterwarnings("ignore::neuroeq.errors.NeuroeqWarning")
def test_the_largest_error_of_all_epochs_is_kept():
    made_of = {"array": {"r_wire_row": "0.2 ohm", "r_wire_col": "0.1 ohm"}}
    net = network("crossbar", 2, 6, 2, hardware="ideal", made_of=made_of, data={"name": "xor", "protocol": "whole"})
    ends = []
    for worst in (None, 0.5 * BOUND):
        state = initial_state(net, Streams(0))
        state.wire_error = worst
        for _ in train(substrate_of(net, state.params), load(net, None), state, Streams(0)):
            pass
        ends.append(state.wire_error)
    assert 0 < ends[0] < ends[1] == 0.5 * BOUND


def test_weights_of_zero_have_no_error():
    arrays, g = WiredArrays({"w": BOARD}, "test"), np.full((20, 12), 1e-5)
    arrays.start(None)
    assert not weight(arrays.effective("w", g, g)).any()
    assert arrays.check() == 0


@pytest.mark.parametrize("on", ["crossbar", "resistive"])
def test_a_substrate_is_approximate_while_it_trains_and_exact_before_and_after(on):
    """Afterwards its states are those of a new one with the same parameters, to the last bit."""
    wires = {"array": {"r_wire_row": "0.2 ohm", "r_wire_col": "0.1 ohm"}}
    net = network(on, 2, 12, 2, hardware="ideal", made_of=wires, data={"name": "xor", "protocol": "whole"})
    streams, examples = Streams(0), load(net, None)
    state = initial_state(net, streams)
    state.params = params_of(net)
    substrate = substrate_of(net, state.params)
    inputs = examples.batch(examples.train, np.arange(4), net)[0]
    steps = train(substrate, examples, state, streams)
    next(steps)
    during = states(substrate, inputs)
    steps.close()
    after = states(substrate, inputs)
    np.testing.assert_array_equal(after, states(substrate_of(net, substrate.params), inputs))
    assert 0 < np.abs(during - after).max() < 1e-3


def states(substrate, inputs):
    return np.hstack(list(substrate.relax(inputs).state.values()))


def test_the_exact_solver_and_ideal_wires_have_nothing_to_approximate():
    for made_of in ({"array": {"r_wire_row": "0.2 ohm", "solver": "exact"}}, {}):
        for on in ("crossbar", "resistive"):
            assert substrate_of(network(on, 2, 4, 2, hardware="ideal", made_of=made_of)).as_wired() is None
