"""Noise and drift against published figures and closed forms."""

import numpy as np
import pytest

from neuroeq.describe.catalog import load_hardware
from neuroeq.describe.spec.noise import LogRelaxation, OneOverF, Polynomial, PowerLaw, Relative, Saturating
from neuroeq.physics.devices.converters import quantised
from neuroeq.physics.devices.noise import drifted, programming_sd, read_sd

HOUR, YEAR = 3600.0, 365.25 * 86400
US = 1e-6


@pytest.mark.parametrize(("t", "mean", "sd"), [(1.0, 24.94, 1.40), (HOUR, 19.39, 1.41), (YEAR, 12.50, 1.65)])
def test_phase_change_memory_at_25_us_has_the_published_mean_and_spread(t, mean, sd):
    """Programmed, drifted and read, 40,000 devices; both public codes agree within 1 %, so does this."""
    pcm, rng = load_hardware("pcm").synapse, np.random.default_rng(0)
    g = target = np.full(40_000, 25 * US)
    g = g + programming_sd(pcm.programming_noise, g, 25 * US) * rng.standard_normal(g.shape)
    g = drifted(pcm.drift, g, 25 * US, t, rng.standard_normal(g.shape))
    g = g + read_sd(pcm.read_noise, g, 25 * US, t + pcm.drift.t0, target) * rng.standard_normal(g.shape)
    assert g.mean() / US == pytest.approx(mean, rel=0.01)
    assert g.std() / US == pytest.approx(sd, rel=0.03)


@pytest.mark.parametrize(
    ("noise", "g", "sd"),
    [
        (Polynomial(model="polynomial", coefficients=(0.26348, 1.9650, -1.1731), of="g_over_gmax"), 12.5, 0.952705),
        (Polynomial(model="polynomial", coefficients=(0.286, 0.0759, -0.00179)), 10.0, 0.866),
        (Polynomial(model="polynomial", coefficients=(4.78, -0.0091)), 100.0, 3.87),
        (Relative(model="relative", sigma=0.02), 10.0, 0.2),
    ],
)
def test_programming_noise_is_its_closed_form(noise, g, sd):
    assert programming_sd(noise, np.array([g * US]), 25 * US)[0] / US == pytest.approx(sd, rel=1e-9)


def test_saturating_noise_of_the_current_is_its_closed_form_at_five_conductances():
    noise = Saturating(model="saturating_exp_current", a="19.88665 nA", b="176.3115 nA", v_read="0.1 V")
    g = np.array([0.1, 0.5, 2, 8, 16]) * US
    current = g * 0.1
    expected = 19.88665e-9 * (1 - np.exp(-current / 176.3115e-9)) / 0.1
    np.testing.assert_allclose(programming_sd(noise, g, 16 * US), expected, rtol=1e-12)


def test_noise_with_a_1_over_f_spectrum_grows_with_the_logarithm_of_time():
    noise = OneOverF(model="one_over_f", q0=0.01, q_max=0.2, t_read="1 us")
    times = np.array([1.0, 1e3, 1e6])
    sd = [read_sd(noise, np.array([US]), US, t, np.array([US]))[0] for t in times]
    np.testing.assert_allclose(np.square(sd), (0.01 * US) ** 2 * np.log((times + 1e-6) / 2e-6), rtol=1e-12)


def test_drift_by_a_power_law_is_a_straight_line_in_logarithms():
    drift = PowerLaw(model="power_law", t0="1 s", nu_offset=0.05)
    times = np.array([10.0, 100.0, 1000.0])
    g = [drifted(drift, np.array([US]), US, t, np.zeros(1))[0] for t in times]
    assert np.polyfit(np.log(times + 1), np.log(g), 1)[0] == pytest.approx(-0.05, abs=1e-9)
    relaxed = LogRelaxation(model="log_relaxation", mean_slope="-0.1 uS")
    assert drifted(relaxed, np.array([5 * US]), US, np.e**3, np.zeros(1))[0] / US == pytest.approx(4.7)


def test_a_converter_rounds_to_its_levels_and_cuts_off_what_lies_beyond():
    values = np.linspace(-3, 3, 1001)
    read = quantised(values, 8, 2.0)
    step = 4 / 256
    assert np.abs(read - np.clip(values, -2, 2 - step)).max() <= step / 2 + 1e-12
    assert len(np.unique(read)) == 256 and (read.min(), read.max()) == (-2.0, 2.0 - step)
    np.testing.assert_array_equal(quantised(values, 0, 2.0), values)


def test_a_spread_is_never_negative_and_neither_is_a_conductance_that_relaxes():
    falling = Polynomial(model="polynomial", coefficients=(1.0, -0.1))
    np.testing.assert_allclose(
        programming_sd(falling, np.array([5.0, 10, 20]) * US, 25 * US) / US, [0.5, 0, 0], atol=1e-12
    )
    drift = LogRelaxation(model="log_relaxation", mean_slope="-1 uS", sd_slope="0 uS", sd_offset="0.5 uS")
    g = np.array([2.0, 9.0]) * US
    np.testing.assert_allclose(drifted(drift, g, 25 * US, np.exp(3.0), np.zeros(2)) / US, [0, 6], atol=1e-9)
    np.testing.assert_allclose(drifted(drift, g, 25 * US, np.exp(3.0), np.ones(2)) / US, [0, 6.5], atol=1e-9)
    np.testing.assert_allclose(drifted(drift, g, 25 * US, 0.5, np.ones(2)) / US, [2.5, 9.5], atol=1e-9)


def test_noise_with_a_1_over_f_spectrum_has_a_limit_at_small_conductances_and_none_before_two_readings():
    noise = OneOverF(model="one_over_f", q0=0.01, q_max=0.2, exponent=1.0, t_read="1 us")
    small, large = np.array([0.001 * US]), np.array([US])
    ratio = read_sd(noise, small, US, 1.0, small)[0] / small[0] / (read_sd(noise, large, US, 1.0, large)[0] / large[0])
    assert ratio == pytest.approx(0.2 / 0.01, rel=1e-12)
    assert read_sd(noise, large, US, 1e-7, large)[0] == 0
