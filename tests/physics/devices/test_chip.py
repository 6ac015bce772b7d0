"""Chips: the same seed is the same chip, weights survive their devices, and every noise keeps to its own stream."""

import numpy as np
import pytest

from neuroeq.physics.devices import Chip
from neuroeq.randomness import Streams
from tests.nets import network, params_of

WINDOW = {"g_min": "1 uS", "g_max": "10 uS"}
SOFT = {"model": "soft_bounds", "range": [-1, 1], "step": 0.02}
PARTS = {
    "read noise": {"read_noise": {"model": "relative", "sigma": 0.05}},
    "programming noise": {"programming_noise": {"model": "relative", "sigma": 0.05}},
    "drift": {"drift": {"model": "power_law", "t0": "1 s", "nu_offset": 0.05, "sd_offset": 0.02}},
    "faults": {"faults": {"stuck_at_min": 0.1, "stuck_at_max": 0.1, "stuck_random": 0.1}},
    "write noise": {"update": {**SOFT, "write_noise": 0.5}},
    "spread of steps": {"update": {**SOFT, "d2d_step": 0.3}},
    "noise of pulses": {"update": {**SOFT, "sigma_c2c": 0.5}},
    "levels at random": {"levels": 16, "rounding": "stochastic"},
}


def made(on="resistive", seed=0, **synapse):
    net = network(on, 4, 5, 3, made_of={"synapse": {**WINDOW, **synapse}}, **(CROSSBAR if on == "crossbar" else {}))
    params = params_of(net)
    if on == "resistive":
        params = {name: 0.2 + 0.6 * np.clip(value, 0, 1) for name, value in params.items()}
    return Chip(net, params, Streams(seed)), params


CROSSBAR = {"substrate": {"crossbar": {"neuron": "hard_sigmoid", "synapse": "rate_derivative"}}}


def lived(chip, params, seed=1):
    """Return what a chip holds after writing and three updates, and how it acts then, a day later."""
    rng = np.random.default_rng(seed)
    held = chip.write(params, np.random.default_rng(10))
    for turn in range(3):
        now = chip.weights(held, params)
        wanted = {name: value + 0.05 * rng.standard_normal(value.shape) for name, value in now.items()}
        held = chip.update(held, now, wanted, np.random.default_rng(20 + turn))
    return held, chip.acting(held, chip.weights(held, params), np.random.default_rng(30), at=86400.0)


@pytest.mark.parametrize("on", ["resistive", "crossbar"])
@pytest.mark.parametrize("pairing", ["differential_pair", "reference_column"])
def test_ideal_devices_hold_the_weights_they_are_asked_for(on, pairing):
    chip, params = made(on, pairing=pairing)
    assert chip.plain
    held = chip.write(params, np.random.default_rng(0))
    back = chip.weights(held, params)
    wanted = {name: value * 0.9 for name, value in params.items()}
    after = chip.weights(chip.update(held, params, wanted, np.random.default_rng(0)), wanted)
    for name in chip.shapes:
        np.testing.assert_allclose(back[name], params[name], rtol=0, atol=1e-12)
        np.testing.assert_allclose(after[name], wanted[name], rtol=0, atol=1e-12)
        g = held[name]
        assert g.min() >= 1e-6 - 1e-18 and g.max() <= 1e-5 + 1e-18


def test_the_same_seed_is_the_same_chip_and_another_seed_is_not():
    everything = {key: value for part in PARTS.values() for key, value in part.items()}
    everything["update"] = {**SOFT, "d2d_step": 0.3, "sigma_c2c": 0.5, "write_noise": 0.5}
    one, two, other = (lived(*made(seed=seed, **everything)) for seed in (0, 0, 1))
    assert one[0].keys() == two[0].keys()
    for name in made()[0].shapes:
        np.testing.assert_array_equal(one[0][name], two[0][name])
        assert np.abs(one[0][name] - other[0][name]).max() > 1e-8


def test_what_a_pulse_misses_stays_until_the_next_pulse_and_does_not_add_up():
    """Devices in the middle of their range, 900 of them, pulsed up and down in turn: within 5 standard errors."""
    law = {"model": "constant_step", "range": [-1, 1], "step": 0.02, "write_noise": 3.0}
    net = network("crossbar", 30, 15, 3, made_of={"synapse": {**WINDOW, "update": law}}, **CROSSBAR)
    params = {name: np.zeros_like(value) for name, value in params_of(net).items()}
    chip, name = Chip(net, params, Streams(0)), "input_hidden1"
    held = chip.write(params, np.random.default_rng(0))
    middle, step = held[name].copy(), 0.01 * 9e-6
    pulse = np.zeros(params[name].shape)
    pulse[:, 1:] = 2 * chip.arrays[name].granularity
    for turn in range(10):
        now = chip.weights(held, params)
        wanted = {**now, name: now[name] + (pulse if turn % 2 == 0 else -pulse)}
        before, held = held, chip.update(held, now, wanted, np.random.default_rng(turn))
        acts = [chip.acting(held, params, np.random.default_rng(seed)).conductances[name] for seed in (0, 1)]
        np.testing.assert_array_equal(acts[0], acts[1])
        np.testing.assert_array_equal(held[name][..., 0], before[name][..., 0])
    missed = (held[name] - middle)[..., 1:] / (3 * step)
    assert missed.std() == pytest.approx(1, abs=5 / np.sqrt(2 * missed.size))
    assert abs(missed.mean()) < 5 / np.sqrt(missed.size)


def draws(chip, params):
    """Return every random number that shows: by its purpose."""
    shape = next(iter(chip.shapes.values()))
    name = next(iter(chip.shapes))
    spawned = np.random.default_rng(30).spawn(2)
    own = {
        purpose: chip.arrays[name].child(purpose).random(3) for purpose in ("cells", "drift", "faults", "stuck", "bias")
    }
    return {**own, "reading": spawned[0].random(3), "shape": np.array(shape)}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("other", PARTS)
def test_switching_one_non_ideality_on_leaves_the_draws_of_the_others_as_they_were(part, other):
    """What the chip does with `other` on top of `part` differs from `part` alone only by what `other` does."""
    if part == other or ("update" in PARTS[part] and "update" in PARTS[other]):
        return
    alone, both = made(**PARTS[part]), made(**{**PARTS[part], **PARTS[other]})
    for purpose, values in draws(*alone).items():
        np.testing.assert_array_equal(values, draws(*both)[purpose])
    if part == "faults":
        g = [chip.write(params, np.random.default_rng(3)) for chip, params in (alone, both)]
        ideal = made()[0].write(alone[1], np.random.default_rng(3))
        for name in g[0]:
            stuck = g[0][name] != ideal[name]
            np.testing.assert_array_equal(g[0][name][stuck], g[1][name][stuck])
    if part == "read noise" and other in ("faults", "levels at random", "programming noise"):
        noise = [
            chip.acting(held, chip.weights(held, params), np.random.default_rng(5))
            for chip, params in (alone, both)
            for held in [made()[0].write(params, np.random.default_rng(0))]
        ]
        for name in noise[0]:
            np.testing.assert_array_equal(noise[0][name], noise[1][name])


def test_stuck_devices_stay_and_are_as_many_as_asked_for():
    """10 % each of 4,000 devices: within 4 standard errors."""
    net = network("resistive", 20, 50, 50, made_of={"synapse": {**WINDOW, **PARTS["faults"]}})
    params = {name: np.full(value.shape, 0.5) for name, value in params_of(net).items()}
    chip = Chip(net, params, Streams(0))
    held = chip.write(params, np.random.default_rng(0))
    moved = chip.update(held, params, {name: value + 0.1 for name, value in params.items()}, np.random.default_rng(1))
    g = np.concatenate([moved[name].ravel() for name in chip.shapes])
    for stuck in (1e-6, 1e-5):
        assert abs(np.mean(np.isclose(g, stuck)) - 0.1) < 4 * np.sqrt(0.09 / g.size)
    free = np.concatenate([(moved[name] != held[name]).ravel() for name in held])
    assert abs(free.mean() - 0.7) < 4 * np.sqrt(0.21 / g.size)


def test_pulses_ask_for_the_change_on_average():
    """A request of half a step is a pulse half of the time: over 2,500 devices within 4 standard errors."""
    law = {"model": "constant_step", "range": [0, 1], "step": 0.01}
    net = network("resistive", 24, 50, 2, made_of={"synapse": {**WINDOW, "update": law}})
    params = {name: np.full(value.shape, 0.5) for name, value in params_of(net).items()}
    chip = Chip(net, params, Streams(0))
    held = chip.write(params, np.random.default_rng(0))
    wanted = {name: value + 0.005 * 0.9 for name, value in params.items()}
    after = chip.weights(chip.update(held, params, wanted, np.random.default_rng(1)), params)["input_hidden1"]
    moved = after - 0.5
    assert set(np.round(np.unique(moved), 9)) == {0.0, 0.009}
    assert abs(moved.mean() - 0.0045) < 4 * 0.0045 / np.sqrt(moved.size)


def test_a_unidirectional_pair_is_rewritten_before_it_is_full():
    law = {"model": "constant_step", "range": [0, 1], "step": 0.05}
    chip, params = made("crossbar", update=law, unidirectional=True)
    held, weights = chip.write(params, np.random.default_rng(0)), params
    for turn in range(60):
        by = 0.3 if turn % 2 else -0.3
        wanted = {name: value + by for name, value in weights.items()}
        held = chip.update(held, weights, wanted, np.random.default_rng(turn))
        weights = chip.weights(held, weights)
    for g in (held[name] for name in chip.shapes):
        assert (g.min(axis=0) < 1e-6 + 0.9 * 9e-6).all() and np.isfinite(g).all()


def test_leaking_states_fall_by_their_time_constant():
    chip, params = made(leak_tau="10 us")
    held = chip.write(params, np.random.default_rng(0))
    after = chip.update(held, params, params, np.random.default_rng(0))
    for name in held:
        np.testing.assert_allclose((after[name] - 1e-6) / (held[name] - 1e-6), np.exp(-0.1), rtol=1e-9)


def test_levels_are_few_and_stochastic_rounding_keeps_the_mean():
    nearest, params = made(levels=4)
    g = np.concatenate([each.ravel() for each in nearest.write(params, np.random.default_rng(0)).values()])
    assert set(np.round((g - 1e-6) / 3e-6, 9)) <= {0.0, 1.0, 2.0, 3.0}
    random, params = made(levels=4, rounding="stochastic")
    many = [random.write(params, np.random.default_rng(turn))["input_hidden1"] for turn in range(400)]
    wanted = random.arrays["input_hidden1"].mapping.conductances(params["input_hidden1"])
    assert np.abs(np.mean(many, axis=0) - wanted).max() < 5 * 1.5e-6 / np.sqrt(400)


def test_levels_reach_from_one_end_of_the_window_to_the_other():
    chip, params = made(levels=4)
    wanted = {name: np.linspace(0, 2, value.size).reshape(value.shape) for name, value in params.items()}
    held = chip.write(wanted, np.random.default_rng(0))["input_hidden1"]
    np.testing.assert_allclose(np.unique(held), [1e-6, 4e-6, 7e-6, 10e-6], rtol=1e-12)


def test_no_noise_of_programming_takes_a_device_out_of_its_window():
    chip, params = made(programming_noise={"model": "relative", "sigma": 1.0})
    params = {name: np.full(value.shape, 0.9) for name, value in params.items()}
    held = np.concatenate([g.ravel() for g in chip.write(params, np.random.default_rng(0)).values()])
    assert held.min() == pytest.approx(1e-6, rel=1e-12) and held.max() == pytest.approx(1e-5, rel=1e-12)


SHARE = {"model": "polynomial", "coefficients": [0, 1.0], "of": "g_over_gmax"}
OF_G_MAX = {
    "programming_noise": SHARE,
    "read_noise": SHARE,
    "drift": {"model": "power_law", "t0": "1 s", "nu_slope": -0.05, "nu_offset": 0.05},
}


def test_noise_of_programming_knows_g_max_and_not_what_other_devices_hold():
    chip, params = made(programming_noise=SHARE)
    more = {name: value.copy() for name, value in params.items()}
    more["input_hidden1"][0] = 1.0
    one, other = (chip.write(each, np.random.default_rng(0))["input_hidden1"] for each in (params, more))
    assert one[:, 0].max() < other[:, 0].max()
    np.testing.assert_array_equal(one[:, 1:], other[:, 1:])


@pytest.mark.parametrize("part", OF_G_MAX)
def test_without_a_g_max_the_largest_conductance_of_an_array_stands_for_it(part):
    acting = []
    for window in ({}, {"g_max": "10 uS"}):
        units, synapse = {"resistive": {"circuit": {"g_unit": "10 uS"}}}, {**window, part: OF_G_MAX[part]}
        net = network("resistive", 4, 5, 3, made_of={"synapse": synapse}, substrate=units)
        params = {n: np.linspace(0.1, 1, value.size).reshape(value.shape) for n, value in params_of(net).items()}
        chip = Chip(net, params, Streams(0))
        held = chip.write(params, np.random.default_rng(0))
        acting.append(chip.acting(held, params, np.random.default_rng(1), at=3600.0))
    for name in chip.shapes:
        assert np.abs(acting[0][name] - params[name]).max() > 0.01
        np.testing.assert_allclose(*(np.minimum(each[name], 1) for each in acting), rtol=1e-12)


def test_write_and_verify_lands_anywhere_within_its_tolerance():
    """Uniform errors of up to a tenth of the window, 9 uS: over 3,500 devices within 4 standard errors."""
    net = network(
        "resistive", 20, 50, 50, made_of={"synapse": {**WINDOW, "update": {"model": "write_verify", "tolerance": 0.1}}}
    )
    params = {name: np.full(value.shape, 0.5) for name, value in params_of(net).items()}
    held = Chip(net, params, Streams(0)).write(params, np.random.default_rng(0))
    error = np.concatenate([(g - g.mean()).ravel() for g in held.values()])
    assert 0.85e-6 < np.abs(error).max() < 0.95e-6
    assert error.std() == pytest.approx(0.9e-6 / np.sqrt(3), rel=4 / np.sqrt(error.size))


@pytest.mark.parametrize("unidirectional", [False, True])
def test_pairs_that_pulses_move_hold_the_weights_that_are_written_into_them(unidirectional):
    chip, params = made("crossbar", update=SOFT, unidirectional=unidirectional)
    weights = chip.weights(chip.write(params, np.random.default_rng(0)), params)
    for name in chip.shapes:
        np.testing.assert_allclose(weights[name], params[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize("unidirectional", [False, True])
def test_a_pair_moves_both_devices_by_half_or_one_by_the_whole(unidirectional):
    law = {"model": "constant_step", "range": [0, 1], "step": 1e-4, "max_pulses": 10_000}
    chip, params = made("crossbar", update=law, unidirectional=unidirectional)
    params = {name: np.zeros_like(value) for name, value in params.items()}
    held = chip.write(params, np.random.default_rng(0))
    after = chip.update(held, params, {name: value + 0.1 for name, value in params.items()}, np.random.default_rng(1))
    plus, minus = (after["input_hidden1"] - held["input_hidden1"]) / 9e-6
    whole = (plus - minus).mean()
    assert whole > 0.01
    expected = (whole, 0.0) if unidirectional else (whole / 2, -whole / 2)
    np.testing.assert_allclose(plus, expected[0], atol=2e-4)
    np.testing.assert_allclose(minus, expected[1], atol=2e-4)


def test_a_pair_grows_and_shrinks_by_what_is_asked_for():
    """A symmetric law: 20 pulses up and down again; weights come back, and moved by the whole request in between."""
    law = {"model": "constant_step", "range": [0, 1], "step": 0.001, "max_pulses": 100}
    chip, params = made("crossbar", update=law)
    held = chip.write(params, np.random.default_rng(0))
    start = chip.weights(held, params)
    by = 0.04 * np.sign(np.random.default_rng(1).standard_normal(start["hidden1_output"].shape))
    wanted = {**start, "hidden1_output": start["hidden1_output"] + by}
    up = chip.update(held, start, wanted, np.random.default_rng(2))
    moved = chip.weights(up, start)
    np.testing.assert_allclose(moved["hidden1_output"] - start["hidden1_output"], by, atol=2.1 * 0.001 * 2)
    back = chip.weights(chip.update(up, moved, start, np.random.default_rng(3)), start)
    np.testing.assert_allclose(back["hidden1_output"], start["hidden1_output"], atol=2.1 * 0.001 * 2)


def test_what_leaks_is_gone_after_a_long_time():
    chip, params = made(leak_tau="1 s")
    held = chip.write(params, np.random.default_rng(0))
    later = chip.acting(held, params, np.random.default_rng(0), at=100.0)
    for name in held:
        np.testing.assert_allclose(later[name], 0.1, rtol=1e-9)
