"""Programming schemes: no change is lost, fine devices follow the gradient, and every pulse is counted."""

import numpy as np
import pytest

from neuroeq.contract import OnDevices, Stop
from neuroeq.describe.catalog import load_network, resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.spec import Hardware, validate
from neuroeq.errors import SpecError
from neuroeq.physics.devices import Chip
from neuroeq.physics.devices.laws import granule, nominal, pulse, pulses
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams
from tests.nets import network, params_of

WINDOW = {"g_min": "1 uS", "g_max": "10 uS"}
CONSTANT = {"model": "constant_step", "range": [0, 1], "step": 0.01, "max_pulses": 1000}
SOFT = {"model": "soft_bounds", "range": [-1, 1], "step": 0.05, "up_down": 0.3}
CROSSBAR = {"substrate": {"crossbar": {"neuron": "hard_sigmoid", "synapse": "rate_derivative"}}}
NAME = "input_hidden1"
RESISTIVE_STEP = 0.01 * 0.9
"""One step of CONSTANT on a resistor network, whose weights 0.1 to 1 are the window."""


def chip_of(scheme, update, on="resistive", **synapse):
    synapse = {**WINDOW, "update": update, "programming": scheme, **synapse}
    net = network(on, 4, 5, 3, made_of={"synapse": synapse}, **(CROSSBAR if on == "crossbar" else {}))
    params = params_of(net)
    if on == "resistive":
        params = {name: np.full_like(value, 0.5) for name, value in params.items()}
    return Chip(net, params, Streams(0)), params


def followed(chip, params, changes):
    """Return what a chip holds after changes of one array, one update after the other."""
    held = chip.write(params, np.random.default_rng(0))
    for turn, change in enumerate(changes):
        now = chip.weights(held, params)
        held = chip.update(held, now, {**now, NAME: now[NAME] + change}, np.random.default_rng(100 + turn))
    return held, chip.weights(held, params)[NAME]


def changes_of(shape, size, n=40, seed=3):
    return size * np.random.default_rng(seed).standard_normal((n, *shape))


@pytest.mark.parametrize("scheme", ["mixed_precision", "write_verify"])
def test_on_exact_devices_a_digital_memory_gives_plain_gradient_descent(scheme):
    chip, params = chip_of({"scheme": scheme}, {"model": "direct"})
    changes = changes_of(params[NAME].shape, 0.005)
    _, weights = followed(chip, params, changes)
    np.testing.assert_allclose(weights, params[NAME] + changes.sum(axis=0), rtol=0, atol=1e-12)


def test_sums_of_changes_asked_for_and_made_are_kept():
    """With a digital memory devices follow what is asked for; noisy pulses in open loop follow it less."""
    cosines = []
    for scheme in ("mixed_precision", "pulses"):
        chip, params = chip_of({"scheme": scheme}, {**CONSTANT, "sigma_c2c": 2.0}, "crossbar")
        changes = changes_of(params[NAME].shape, 0.004)
        start = followed(chip, params, [])[1]
        held, weights = followed(chip, params, changes)
        asked, made = (change.ravel() for change in chip.changes(held, NAME))
        np.testing.assert_allclose(asked, changes.sum(axis=0).ravel(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(made, (weights - start).ravel(), rtol=0, atol=1e-12)
        cosines.append(asked @ made / np.linalg.norm(asked) / np.linalg.norm(made))
    assert cosines[0] > cosines[1] > 0.1


@pytest.mark.parametrize("on", ["resistive", "crossbar"])
def test_mixed_precision_loses_nothing_on_devices_with_even_steps(on):
    """Weights and accumulators together have changed by all changes, and accumulators hold less than a pulse."""
    chip, params = chip_of({"scheme": "mixed_precision"}, CONSTANT, on)
    changes = changes_of(params[NAME].shape, 0.004)
    start = followed(chip, params, [])[1]
    held, weights = followed(chip, params, changes)
    collected = held[f"{NAME}/accumulator"]
    assert np.abs(collected).max() < chip.arrays[NAME].granularity
    assert np.abs(weights - start).max() > 2 * chip.arrays[NAME].granularity
    np.testing.assert_allclose(weights - start + collected, changes.sum(axis=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scheme", ["pulses", "mixed_precision", "sign", "write_verify"])
def test_the_sum_of_pulses_counted_is_that_of_pulses_applied(scheme):
    """Changes in one direction only, so every pulse moves its device by one step."""
    chip, params = chip_of({"scheme": scheme}, CONSTANT)
    changes = np.abs(changes_of(params[NAME].shape, 0.004, 20))
    held, weights = followed(chip, params, changes)
    counted = held[f"{NAME}/pulses"][0]
    assert counted.sum() > 100
    np.testing.assert_allclose(weights - params[NAME], RESISTIVE_STEP * counted, rtol=0, atol=1e-12)


def test_devices_that_are_not_asked_to_change_are_not_pulsed():
    for scheme in ("pulses", "mixed_precision", "sign", "write_verify"):
        chip, params = chip_of({"scheme": scheme}, CONSTANT)
        held, weights = followed(chip, params, [np.zeros_like(params[NAME])] * 3)
        np.testing.assert_array_equal(weights, chip.weights(held, params)[NAME])
        assert f"{NAME}/pulses" not in held


def test_write_and_verify_ends_within_its_tolerance_of_the_sum_of_all_changes():
    """Noisy pulses, verified: nearly every weight is within 2 % of the largest one; in open loop hardly any."""
    noisy = {**CONSTANT, "sigma_c2c": 1.0}
    away = {}
    for scheme, options in (("write_verify", {"tolerance": 0.02, "tries": 60}), ("pulses", {})):
        chip, params = chip_of({"scheme": scheme, **options}, noisy)
        changes = changes_of(params[NAME].shape, 0.02, 30)
        held, weights = followed(chip, params, changes)
        away[scheme] = np.abs(weights - params[NAME] - changes.sum(axis=0))
        if scheme == "write_verify":
            assert (held[f"{NAME}/reads"] <= 60 * 30).all() and held[f"{NAME}/reads"].min() > 0
    assert np.mean(away["write_verify"] <= 0.02) > 0.95
    assert np.mean(away["pulses"] <= 0.02) < 0.5


def test_the_sign_of_a_change_is_one_pulse_where_the_change_is_large_enough():
    chip, params = chip_of({"scheme": "sign", "threshold": 0.5}, CONSTANT)
    change = np.zeros_like(params[NAME])
    change[0], change[1], change[2] = 0.6 * RESISTIVE_STEP, -30 * RESISTIVE_STEP, 0.4 * RESISTIVE_STEP
    _, weights = followed(chip, params, [change])
    moved = (weights - params[NAME]) / RESISTIVE_STEP
    np.testing.assert_allclose(moved[:3], np.array([[1.0], [-1.0], [0.0]]) * np.ones(moved.shape[1]), atol=1e-9)


@pytest.mark.parametrize(("version", "kept"), [("tiki_taka", ""), ("tiki_taka_v2", "filter")])
def test_tiki_taka_on_even_steps_filters_the_gradient_twice(version, kept):
    """A sums the changes, and the weights sum what is read of A: W_T = W_0 + rate sum_t (T - t) dW_t.

    Changes are whole steps, so that no pulse is left to chance; version 2 keeps what is left in its filter.
    """
    rate = 1.0 if version == "tiki_taka" else 0.3
    options = {"scheme": version, "rate": rate, "columns": 4, "symmetric": "given"}
    chip, params = chip_of(options, {**CONSTANT, "step": 0.001}, "crossbar")
    step = 2 * chip.arrays[NAME].granularity
    signs = np.sign(np.random.default_rng(0).standard_normal((6, *params[NAME].shape)))
    start = followed(chip, params, [])[1]
    held, weights = followed(chip, params, step * signs)
    wanted = rate * step * np.einsum("t,tij->ij", np.arange(6, 0, -1.0), signs)
    left = held[f"{NAME}/{kept}"] if kept else 0.0
    np.testing.assert_allclose(weights - start + left, wanted, rtol=0, atol=1e-9)


def test_tiki_taka_reads_one_column_an_update_in_turn():
    options = {"scheme": "tiki_taka_v2", "rate": 1.0, "symmetric": "given"}
    chip, params = chip_of(options, {**CONSTANT, "step": 0.001}, "crossbar")
    step = 2 * chip.arrays[NAME].granularity
    start = followed(chip, params, [])[1]
    once = followed(chip, params, [np.full_like(params[NAME], step)] * 2)[1] - start
    np.testing.assert_allclose(once[0], step, atol=1e-9)
    np.testing.assert_allclose(once[1], 2 * step, atol=1e-9)
    np.testing.assert_allclose(once[2:], 0, atol=1e-12)


@pytest.mark.parametrize("columns", [1, 3])
def test_tiki_taka_counts_reads_of_the_columns_that_it_reads_alone(columns):
    """Of four rows, columns in turn are read: (0, 1, 2), (3, 0, 1), ... for three at a time."""
    options = {"scheme": "tiki_taka_v2", "columns": columns, "symmetric": "given"}
    chip, params = chip_of(options, CONSTANT, "crossbar")
    held, _ = followed(chip, params, changes_of(params[NAME].shape, 0.004, 5))
    read = np.bincount(np.arange(5 * columns) % 4, minlength=4)
    counted = held[f"{NAME}/fast/reads"]
    np.testing.assert_array_equal(counted, np.broadcast_to(read[:, None], counted.shape))
    assert held[f"{NAME}/fast/read_rounds"] == 5 * columns


@pytest.mark.parametrize("columns", [4, 3])
def test_a_dynamic_reference_on_even_steps_sums_the_changes_of_each_period(columns):
    """A column that is read at updates t_1, t_2, ... gets rate times the sum, at each, of the changes of its period."""
    options = {"scheme": "tiki_taka_agad", "rate": 0.3, "columns": columns, "period": 2}
    chip, params = chip_of(options, {**CONSTANT, "step": 0.001}, "crossbar")
    step = 2 * chip.arrays[NAME].granularity
    changes = step * np.sign(np.random.default_rng(0).standard_normal((7, *params[NAME].shape)))
    start = followed(chip, params, [])[1]
    held, weights = followed(chip, params, changes)
    wanted, since, times = np.zeros_like(start), np.zeros_like(start), np.zeros(4, int)
    for turn, change in enumerate(changes):
        since += change
        for row in (turn * columns + np.arange(columns)) % 4:
            wanted[row] += 0.3 * since[row]
            times[row] += 1
            if times[row] % 2 == 0:
                since[row] = 0
    np.testing.assert_allclose(weights - start + held[f"{NAME}/filter"], wanted, rtol=0, atol=1e-9)


def test_one_pulse_moves_the_weights_for_a_period_with_a_dynamic_reference_and_for_ever_with_a_fixed_one():
    moved = {}
    for scheme, options in (("tiki_taka_agad", {"period": 5}), ("tiki_taka_v2", {"symmetric": "given"})):
        options = {"scheme": scheme, "columns": 4, "rate": 0.1, **options}
        chip, params = chip_of(options, {**CONSTANT, "step": 0.001}, "crossbar")
        pulse = 2 * chip.arrays[NAME].granularity
        changes = [np.full_like(params[NAME], pulse)] + [np.zeros_like(params[NAME])] * 99
        held, weights = followed(chip, params, changes)
        moved[scheme] = (weights - followed(chip, params, [])[1] + held[f"{NAME}/filter"]) / pulse
    np.testing.assert_allclose(moved["tiki_taka_agad"], 0.1 * 5, atol=1e-9)
    np.testing.assert_allclose(moved["tiki_taka_v2"], 0.1 * 100, atol=1e-9)


def test_the_rate_of_a_dynamic_reference_halves_within_as_many_updates_as_are_asked_for():
    """A pulse in the first period of 2 updates, then none for one, then a pulse in the third period."""
    options = {"scheme": "tiki_taka_agad", "rate": 0.4, "columns": 4, "period": 2, "halving": 2}
    chip, params = chip_of(options, {**CONSTANT, "step": 0.001}, "crossbar")
    pulse = 2 * chip.arrays[NAME].granularity
    changes = [np.full_like(params[NAME], size) for size in (pulse, 0.0, 0.0, 0.0, pulse)]
    held, weights = followed(chip, params, changes)
    moved = (weights - followed(chip, params, [])[1] + held[f"{NAME}/filter"]) / pulse
    np.testing.assert_allclose(moved, 0.4 * (1 + 2**-0.5 + 2**-2), atol=1e-9)


def test_the_mean_over_alternating_pulses_is_the_symmetric_point_of_coarse_and_noisy_devices():
    """Steps of .4 and misses of .2: the mean of 300 reads is known to .2/sqrt(300) = .012; 4 of these are allowed."""
    coarse = {"model": "soft_bounds", "range": [-1, 1], "step": 0.4, "write_noise": 0.5}
    chip, params = chip_of({"scheme": "tiki_taka_v2", "shifts": 300}, coarse, "crossbar", pairing="reference_column")
    held, _ = followed(chip, params, [np.zeros_like(params[NAME])])
    found = held[f"{NAME}/reference"] / chip.arrays[NAME].mapping.bounds[1]
    np.testing.assert_allclose(found, 0, atol=0.05)


def test_alternating_pulses_find_the_state_where_both_directions_are_equally_large():
    """Soft bounds: s_up (1 - w) = s_down (1 + w), so w = (s_up - s_down)/(s_up + s_down)."""
    chip, params = chip_of({"scheme": "tiki_taka_v2", "shifts": 300}, SOFT, "crossbar", pairing="reference_column")
    held, _ = followed(chip, params, [np.zeros_like(params[NAME])])
    cells = nominal(chip.arrays[NAME].law)
    symmetric = (cells.step_up - cells.step_down) / (cells.step_up + cells.step_down)
    found = held[f"{NAME}/reference"] / chip.arrays[NAME].mapping.bounds[1]
    assert abs(symmetric) > 0.1
    np.testing.assert_allclose(found, symmetric, atol=0.1)


def test_many_pulses_at_once_are_the_same_pulses_one_by_one():
    law = chip_of({"scheme": "pulses"}, SOFT)[0].arrays[NAME].law
    rng = np.random.default_rng(5)
    state, number = rng.uniform(-0.8, 0.8, (3, 7)), rng.integers(-6, 7, (3, 7)).astype(float)
    together = pulses(law, nominal(law), state, number, np.random.default_rng(0))
    one = state
    for turn in range(6):
        one = pulse(law, nominal(law), one, np.where(np.abs(number) > turn, np.sign(number), 0), rng)
    np.testing.assert_allclose(together, one, rtol=0, atol=1e-15)


def test_a_granule_is_the_step_of_even_pulses_and_the_average_one_of_others():
    even, soft = (chip_of({"scheme": "pulses"}, law)[0].arrays[NAME].law for law in (CONSTANT, {**SOFT, "up_down": 0}))
    assert granule(even) == pytest.approx(0.01, rel=1e-12)
    n, state = 0, np.array([-0.8])
    while state[0] < 0.8:
        state, n = pulse(soft, nominal(soft), state, np.ones(1), np.random.default_rng(0)), n + 1
    assert granule(soft) == pytest.approx(1.6 / n, rel=0.05)


@pytest.mark.parametrize(
    ("synapse", "says"),
    [
        ({"update": {"model": "gate_charge"}, "programming": {"scheme": "tiki_taka"}}, "has none; use"),
        ({"update": {"model": "gate_charge"}, "programming": {"scheme": "sign"}}, "has none; use"),
        ({"update": CONSTANT, "unidirectional": True, "programming": {"scheme": "tiki_taka_v2"}}, "both ways"),
        ({"update": CONSTANT, "unidirectional": True, "programming": {"scheme": "tiki_taka_agad"}}, "both ways"),
        ({"update": CONSTANT, "programming": {"scheme": "hope"}}, "expected 'pulses', 'mixed_precision'"),
        ({"update": CONSTANT, "programming": {"scheme": "sign", "tries": 3}}, "threshold"),
        ({"update": CONSTANT, "rest": 0.3}, "unidirectional"),
    ],
)
def test_what_devices_cannot_do_is_refused_in_one_sentence(synapse, says):
    with pytest.raises(SpecError) as refused:
        validate(Hardware, {"title": "t", "synapse": {**WINDOW, **synapse}}, "mine.toml")
    assert says in str(refused.value) and "\n" not in str(refused.value)


def matched(*settings, hardware="pcm"):
    return resolve("xor", "crossbar", settings, hardware=hardware)


def test_the_window_holds_its_headroom_times_the_largest_start_weight():
    net = matched("hardware.neuron.integrator.headroom=2.5")
    start = initial_params(net, Streams(net.run.seed).child("init"))
    largest = max(np.abs(start[name]).max() for name in net.projections)
    assert net.technology.w_max == pytest.approx(2.5 * largest, rel=1e-12)
    bias = max(np.abs(start[f"{layer}.bias"]).max() for layer in ("hidden", "output"))
    gain = net.technology.neuron.integrator.bias_gain
    assert gain == pytest.approx(max(1.0, bias / net.technology.w_max))
    assert resolve(net, "crossbar").technology == net.technology
    chosen = matched("hardware.neuron.integrator.headroom=2.5", "hardware.neuron.integrator.w_max=7")
    assert chosen.technology.w_max == 7


def test_hardware_says_how_strong_a_nudge_it_needs_unless_the_user_does():
    usual, asked = load_network("xor").phases.beta, "hardware.periphery.nudge.beta=0.37"
    assert matched(hardware="ideal").phases.beta == usual
    net = matched(asked)
    assert net.phases.beta == 0.37 and resolve(net, "crossbar").phases.beta == 0.37
    on_resistors = ["hardware.periphery.nudge.conductance=2 uS"]
    resistors = resolve("xor", "resistive", on_resistors, hardware="ecram_mo")
    assert resistors.phases.beta == pytest.approx(2e-6 / resistors.g_unit)
    own = matched(asked, "phases.beta=0.11")
    assert own.phases.beta == 0.11 and resolve(own, "crossbar").phases.beta == 0.11


def test_another_scheme_drops_the_keys_of_the_one_in_the_file():
    net = matched("hardware.synapse.programming.granules=2")
    assert net.technology.synapse.programming.granules == 2
    other = resolve(net, "crossbar", ["hardware.synapse.programming.scheme=pulses"])
    assert other.technology.synapse.programming.model_dump() == {"scheme": "pulses"}


@pytest.mark.parametrize("pairing", ["differential_pair", "reference_column"])
def test_a_crossbar_is_made_of_the_conductances_that_its_devices_hold(pairing):
    """Weights, biases, heat and the mapping, recomputed from what the chip holds; biases have sources of 3 V."""
    neuron = {"integrator": {"w_max": 1.5, "bias_gain": 3, "v_scale": "0.5 V"}}
    synapse = {**WINDOW, "update": {**CONSTANT, "sigma_c2c": 0.5}, "pairing": pairing}
    net = network("crossbar", 4, 5, 3, made_of={"synapse": synapse, "neuron": neuron}, **CROSSBAR)
    params = params_of(net)
    chip, hardware = Chip(net, params, Streams(0)), net.technology
    held = chip.write(params, np.random.default_rng(0))
    held = chip.update(held, params, {n: v + 0.05 for n, v in params.items()}, np.random.default_rng(1))
    crossbar = build(net, params, 2)
    crossbar.hold(OnDevices(chip.weights(held, params), chip.conductances(held)))
    middle = (hardware.g_min + hardware.g_max) / 2
    heat, eq = crossbar.dissipation, crossbar.relax(np.full((2, 4), 0.6), stop=Stop(50))
    for name in params:
        g = held[name]
        pair = (g[0], g[1]) if pairing == "differential_pair" else (g[0], np.full_like(g[0], middle))
        gain = 1 if name in net.projections else 3
        np.testing.assert_allclose(crossbar.transmitted[name], gain * hardware.r_f * (pair[0] - pair[1]), rtol=1e-9)
        if gain == 3:
            assert heat(eq)[name] == pytest.approx((pair[0] + pair[1]).sum() * 1.5**2, rel=1e-9)
    volts = {layer: 0.5 * value[0] for layer, value in eq.activity.items()}
    total = {name: np.sum(crossbar.pair(name), axis=0) for name in net.projections}
    assert heat(eq)[NAME] == pytest.approx((volts["input"] ** 2 @ total[NAME]).sum(), rel=1e-9)
    forth = (volts["hidden1"] ** 2 @ total["hidden1_output"]).sum()
    back = (total["hidden1_output"] @ volts["output"] ** 2).sum()
    assert heat(eq)["hidden1_output"] == pytest.approx(forth + back, rel=1e-9)
    each = 2 if pairing == "differential_pair" else 1
    assert sum(crossbar.devices().values()) == each * sum(value.size for value in params.values())
