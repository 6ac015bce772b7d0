"""Pulse laws against the curves of ten presets of IBM's toolkit, and against closed forms."""

import numpy as np
import pytest

from neuroeq.physics.devices.laws import (
    ConstantStep,
    ExpStep,
    LinearStep,
    NonLinear,
    SoftBounds,
    draw_cells,
    nominal,
    one_by_one,
    pulse,
    pulses,
    trains,
)
from tests.conftest import DATA

pytestmark = pytest.mark.smoke
GOLDEN = np.load(DATA / "golden_aihwkit.npz")
LAWS = {
    "ReRamES": ExpStep(
        model="exp_step", step=0.00135, up_down=0.259359, a=-0.5, b=-0.5, a_up=-1.18445, a_down=-0.081404,
        gamma_up=5, gamma_down=5, sigma_c2c=5.0,
    ),
    "ReRamSB": SoftBounds(model="soft_bounds", step=0.002, range=(-0.75, 1.25), sigma_c2c=3.75),
    "Capacitor": LinearStep(
        model="linear_step", step=0.005, gamma_up=0.05, gamma_down=0.05, noise="additive", sigma_c2c=0.3
    ),
    "EcRam": LinearStep(
        model="linear_step", step=0.002, range=(-0.8276, 1.1724), gamma_up=0.1153, gamma_down=0.5085, sigma_c2c=0.3
    ),
    "EcRamMO": LinearStep(
        model="linear_step", step=2.8214e-4, range=(-0.8286, 1.1714), gamma_up=0.4152, gamma_down=0.7342, sigma_c2c=2.0
    ),
    "Idealized": ConstantStep(model="constant_step", step=0.0002, sigma_c2c=0.3),
    "GokmenVlasov": ConstantStep(model="constant_step", step=0.0016, sigma_c2c=0.3),
    "PCM": ExpStep(
        model="exp_step", step=0.01, range=(0, 2), a=-1, b=0, a_up=-27.235, a_down=-2.235, gamma_up=2.5,
        gamma_down=2.5, sigma_c2c=0.6, noise_add=0.042, noise_slope=0.108,
    ),
    "ReRamArrayOM": SoftBounds(model="soft_bounds", step=0.0949, sigma_c2c=0.4158),
    "ReRamArrayHfO2": SoftBounds(model="soft_bounds", step=0.4622, sigma_c2c=0.2174),
}  # fmt: skip


def train(law, cells, n_up, n_down, devices=1, seed=0):
    """Return the states after every pulse of a train up and then down, from the lower bound."""
    rng, states = np.random.default_rng(seed), []
    state = np.full(devices, law.range[0])
    for direction in [1.0] * n_up + [-1.0] * n_down:
        state = pulse(law, cells, state, np.full(devices, direction), rng)
        states.append(state)
    return np.array(states)


@pytest.mark.parametrize("preset", LAWS)
def test_a_train_of_pulses_without_noise_is_the_published_curve(preset):
    """As a fraction of the range; constant steps accumulate in single precision there."""
    law, golden = LAWS[preset], GOLDEN[f"{preset}PresetDevice_clean"]
    quiet = law.model_copy(update={"sigma_c2c": 0.0, **({"noise_add": None} if isinstance(law, ExpStep) else {})})
    n = len(golden) // 2
    found = train(quiet, nominal(quiet), n, n)[:, 0]
    tolerance = 1e-4 if isinstance(law, ConstantStep) else 2e-6
    np.testing.assert_allclose(found, golden, rtol=0, atol=tolerance * (law.range[1] - law.range[0]))


@pytest.mark.parametrize("preset", LAWS)
def test_cycle_to_cycle_noise_has_the_published_mean_and_spread(preset):
    """Of 400 devices there and here: within 4 standard errors of the difference at 99 % of the points."""
    law = LAWS[preset]
    mean, std = GOLDEN[f"{preset}PresetDevice_c2c_mean"], GOLDEN[f"{preset}PresetDevice_c2c_std"]
    m = len(mean) // 2
    found = train(law, nominal(law), m, m, devices=400)
    width = law.range[1] - law.range[0]
    error = np.sqrt((std**2 + found.std(axis=1) ** 2) / 400) + 1e-6 * width
    assert np.mean(np.abs(found.mean(axis=1) - mean) < 4 * error) > 0.99
    assert np.abs(found.std(axis=1) - std).max() < 0.2 * std.max() + 1e-3 * width


def test_exponential_potentiation_takes_all_its_pulses_from_the_bottom_to_the_top():
    for bend in (1.94, 0.0, -0.61, 5.0):
        law = NonLinear(model="neurosim_nl", range=(0, 1), step=1 / 40, nl_up=bend, nl_down=bend)
        states = train(law, nominal(law), 40, 40)[:, 0]
        p = np.arange(1, 41) / 40
        curve = p if bend == 0 else np.expm1(-bend * p) / np.expm1(-bend)
        np.testing.assert_allclose(states[:40], curve, atol=1e-12)
        np.testing.assert_allclose(states[40:], 1 - curve, atol=1e-12)


def test_asymmetry_weakens_one_direction_only():
    for up_down, expected in ((0.2, (0.1, 0.08)), (-0.2, (0.08, 0.1)), (0.0, (0.1, 0.1))):
        cells = nominal(ConstantStep(model="constant_step", step=0.1, up_down=up_down))
        assert (cells.step_up, cells.step_down) == pytest.approx(expected)


def test_no_pulse_moves_nothing_and_states_stay_within_their_own_limits():
    law = ConstantStep(model="constant_step", step=0.3, d2d_max=0.2, d2d_min=0.2, sigma_c2c=0.1)
    cells = draw_cells(law, (200,), np.random.default_rng(0))
    state, rng = np.zeros(200), np.random.default_rng(1)
    direction = np.where(np.arange(200) % 2, 1.0, 0.0)
    for _ in range(20):
        state = pulse(law, cells, state, direction, rng)
    assert (state[::2] == 0).all()
    np.testing.assert_array_equal(state[1::2], cells.high[1::2])


def test_each_spread_draws_its_own_numbers_whatever_else_is_switched_on():
    base = {"model": "soft_bounds", "step": 0.1}
    alone = draw_cells(SoftBounds(**base, d2d_step=0.3), (50,), np.random.default_rng(4))
    together = draw_cells(
        SoftBounds(**base, d2d_step=0.3, d2d_max=0.2, d2d_min=0.1, d2d_up_down=0.0), (50,), np.random.default_rng(4)
    )
    np.testing.assert_array_equal(alone.step_up, together.step_up)
    assert np.std(together.high) == pytest.approx(0.2, rel=0.3) and np.std(alone.high) == 0


def test_device_to_device_spreads_have_their_size():
    """Means and spreads over 20,000 devices, within 4 standard errors."""
    n = 20_000
    law = SoftBounds(model="soft_bounds", step=0.01, d2d_step=0.2, d2d_max=0.1)
    cells = draw_cells(law, (n,), np.random.default_rng(0))
    assert abs(np.mean(cells.step_up) - 0.01) < 4 * 0.002 / np.sqrt(n)
    assert np.std(cells.high) == pytest.approx(0.1, rel=4 / np.sqrt(2 * n))
    other = draw_cells(law.model_copy(update={"range": (-0.5, 2.0), "d2d_min": 0.1}), (n,), np.random.default_rng(0))
    assert np.std(other.high) == pytest.approx(0.2, rel=4 / np.sqrt(2 * n))
    assert np.std(other.low) == pytest.approx(0.05, rel=4 / np.sqrt(2 * n))
    log = draw_cells(law.model_copy(update={"d2d_step_lognormal": True}), (n,), np.random.default_rng(0))
    assert np.std(np.log(log.step_up)) == pytest.approx(0.2, rel=4 / np.sqrt(2 * n))


@pytest.mark.parametrize("up_down", [-5.0, 5.0])
def test_however_large_the_spreads_steps_keep_their_sign_and_limits_their_order(up_down):
    """Asymmetry stays below 1, so that neither direction stops or turns round; limits meet in the middle at most."""
    law = ConstantStep(model="constant_step", step=0.01, range=(-1, 3), d2d_up_down=5, d2d_min=4, d2d_max=4)
    law = law.model_copy(update={"up_down": up_down})
    cells = draw_cells(law, (2000,), np.random.default_rng(0))
    assert (cells.step_up > 0).all() and (cells.step_down > 0).all()
    np.testing.assert_allclose(max(cells.step_up.max(), cells.step_down.max()), 0.01, rtol=1e-12)
    np.testing.assert_allclose(min(cells.step_up.min(), cells.step_down.min()), 0.01 * (1 - 0.99), rtol=1e-9)
    assert cells.low.max() == 1.0 == cells.high.min() and (cells.low <= cells.high).all()


def test_an_asymmetry_shortens_the_steps_of_one_direction():
    for up_down, steps in ((0.25, (0.01, 0.0075)), (-0.25, (0.0075, 0.01))):
        law = ConstantStep(model="constant_step", step=0.01, up_down=up_down)
        cells = draw_cells(law, (3,), np.random.default_rng(0))
        np.testing.assert_allclose([cells.step_up[0], cells.step_down[0]], steps, rtol=1e-12)
        assert (nominal(law).step_up, nominal(law).step_down) == pytest.approx(steps, rel=1e-12)


def test_a_spread_of_steps_never_turns_them_round():
    law = ConstantStep(model="constant_step", step=0.01, d2d_step=3.0)
    steps = draw_cells(law, (2000,), np.random.default_rng(0)).step_up
    assert steps.min() == 0.0 and (steps == 0).mean() == pytest.approx(0.37, abs=0.03)  # P(1 + 3 xi < 0)


SPREAD = {"d2d_step": 0.3, "d2d_max": 0.2, "d2d_min": 0.2, "d2d_up_down": 0.1}
MANY = {
    **LAWS,
    "bent": NonLinear(model="neurosim_nl", range=(0, 1), step=0.03, nl_up=1.94, nl_down=-0.61, sigma_c2c=2.0),
    "unbent": NonLinear(model="neurosim_nl", range=(0, 1), step=0.03, nl_up=0, nl_down=0, sigma_c2c=0.2),
    "growing": LinearStep(model="linear_step", step=0.02, gamma_up=-1.5, gamma_down=-0.5, sigma_c2c=0.3),
    "beyond": LinearStep(model="linear_step", step=0.7, gamma_up=1.8, gamma_down=2.5, sigma_c2c=0.3),
}
"""Among them a law whose steps grow, and one whose steps turn round within the range."""


def sent(law, seed=3):
    """Return devices with a spread, states some of which are beyond their limits, and numbers of pulses to send."""
    law, rng = law.model_copy(update=SPREAD), np.random.default_rng(seed)
    cells, (low, high) = draw_cells(law, (2, 150), rng), law.range
    return law, cells, rng.uniform(low - 0.1, high + 0.1, (2, 150)), rng.integers(-40, 41, (2, 150)) * 1.0


def in_turn(law, cells, state, number, rng):
    """Return the states after pulses that are sent one by one, and the devices that had any pulses."""
    order = np.argsort(-np.abs(number).ravel(), kind="stable")
    after = np.empty(number.size)
    after[order] = one_by_one(law, cells.at(order), state.ravel()[order], number.ravel()[order], rng)
    return after.reshape(state.shape)


@pytest.mark.parametrize("preset", MANY)
def test_many_pulses_at_once_are_the_same_pulses_one_by_one(preset):
    """With noise by a compiled kernel and without it in closed form; random numbers are drawn in the same order."""
    for sigma in (MANY[preset].sigma_c2c, 0.0):
        law, cells, state, number = sent(MANY[preset].model_copy(update={"sigma_c2c": sigma}))
        at_once, expected = np.random.default_rng(5), np.random.default_rng(5)
        before = state.copy()
        found = pulses(law, cells, state, number, at_once)
        width = law.range[1] - law.range[0]
        np.testing.assert_allclose(found, in_turn(law, cells, state, number, expected), rtol=0, atol=1e-12 * width)
        assert at_once.bit_generator.state == expected.bit_generator.state
        np.testing.assert_array_equal(found[number == 0], before[number == 0])
        np.testing.assert_array_equal(state, before)


@pytest.mark.parametrize("preset", ["ReRamSB", "bent", "PCM"])
def test_pulses_are_the_same_without_numba(preset, monkeypatch):
    law, cells, state, number = sent(MANY[preset])
    compiled = pulses(law, cells, state, number, np.random.default_rng(5))
    monkeypatch.setattr(trains, "available", lambda: False)
    plain = pulses(law, cells, state, number, np.random.default_rng(5))
    np.testing.assert_allclose(compiled, plain, rtol=0, atol=1e-12 * (law.range[1] - law.range[0]))


def test_closed_forms_need_no_pulse_one_by_one(monkeypatch):
    """Unless a step could turn round, or a state is beyond its limits."""
    monkeypatch.setattr(trains, "pulse", lambda *_: pytest.fail("sent one by one"))
    for law in (ConstantStep(model="constant_step", step=0.01), SoftBounds(model="soft_bounds", step=0.01)):
        found = pulses(law, nominal(law), np.zeros(1), np.array([20.0]), np.random.default_rng(0))
        expected = 0.2 if isinstance(law, ConstantStep) else 1 - 0.99**20
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("base", [SoftBounds, ExpStep])
def test_a_law_of_its_own_size_is_pulsed_by_it(base):
    class Own(base):
        def size(self, limits, state, up, step, noise):
            return 0.25 * np.ones_like(state) * (1 + noise)

    for sigma in (0.0, 1e-9):
        curves = {"a": 0, "b": 0, "a_up": 0, "a_down": 0, "gamma_up": 0, "gamma_down": 0} if base is ExpStep else {}
        law = Own(model="exp_step" if base is ExpStep else "soft_bounds", step=0.01, sigma_c2c=sigma, **curves)
        found = pulses(law, nominal(law), np.zeros(2), np.array([3.0, -2.0]), np.random.default_rng(0))
        np.testing.assert_allclose(found, [0.75, -0.5], rtol=1e-6)
