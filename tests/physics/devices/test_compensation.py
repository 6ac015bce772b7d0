"""Drift compensation: what an array gives is scaled by what it gave right after programming over what it gives now."""

import numpy as np
import pytest

from neuroeq.errors import SpecError
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams
from tests.nets import batch_of, network, params_of

DAY = 86400.0
NAME = "input_hidden1"
DRIFT = {"model": "power_law", "t0": "20 s", "nu_offset": 0.06}
SAME, VARIED = {**DRIFT, "nu_low": 0.06}, {**DRIFT, "sd_offset": 0.02}
WINDOW = {"g_min": "0.1 uS", "g_max": "10 uS"}


def store_of(kind, drift=SAME, seed=0, over=None, **synapse):
    made_of = {"synapse": {**WINDOW, **({"drift": drift} if drift else {}), **synapse}}
    made_of["array"] = {"drift_compensation": kind}
    net = network("crossbar", 20, 12, 6, made_of=made_of, **(over or {}))
    params = params_of(net)
    return net, WeightStore(net, params, {}, Streams(seed)), params


def acting(kind, *more, at=DAY, **options):
    net, store, params = store_of(kind, *more, **options)
    return net, store.effective(np.random.default_rng(3), at), params


def distance(kind, seed, **synapse):
    _, given, params = acting(kind, VARIED, seed=seed, **synapse)
    return sum(float(np.square(given[name] - params[name]).sum()) for name in params)


@pytest.mark.parametrize("pairing", ["differential_pair", "reference_column"])
@pytest.mark.parametrize("kind", ["global", "column"])
def test_devices_that_all_drift_alike_are_restored_exactly(kind, pairing):
    net, given, params = acting(kind, pairing=pairing)
    crossbar = build(net, params, 4, target="numpy")
    crossbar.hold(given)
    assert np.abs(acting("none", pairing=pairing)[1][NAME] - params[NAME]).max() > 0.01
    for name, value in params.items():
        np.testing.assert_allclose(given[name], value, rtol=0, atol=1e-12)
        np.testing.assert_allclose(crossbar.transmitted[name], value, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["global", "column"])
def test_nothing_is_changed_where_nothing_drifts_and_right_after_programming(kind):
    noise = {"model": "relative", "sigma": 0.05}
    for drift, at in ((None, DAY), (VARIED, None)):
        _, given, _ = acting(kind, drift, at=at, read_noise=noise)
        _, plain, _ = acting("none", drift, at=at, read_noise=noise)
        for name, value in plain.items():
            np.testing.assert_array_equal(given[name], value)


def test_the_devices_themselves_stay_as_they_are():
    given, plain = acting("column", VARIED)[1], acting("none", VARIED)[1]
    for name, g in plain.conductances.items():
        np.testing.assert_array_equal(given.conductances[name], g)


def test_a_factor_by_column_is_at_least_as_close_as_one_for_all():
    for seed in range(5):
        none, whole, columns = (distance(kind, seed) for kind in ("none", "global", "column"))
        assert columns <= whole < 0.5 * none
    _, given, _ = acting("column", VARIED)
    for name, bias in ((NAME, "hidden1.bias"), ("hidden1_output", "output.bias")):
        together = [name, bias]
        now = sum(given.conductances[each].reshape(2, -1, given[bias].size).sum(axis=(0, 1)) for each in together)
        held = store_of("column", VARIED)[1].held.conductances
        before = sum(held[each].reshape(2, -1, given[bias].size).sum(axis=(0, 1)) for each in together)
        np.testing.assert_allclose(given.gains[name] * now, before, rtol=1e-12)


def test_the_calibration_is_read_with_noise_which_many_devices_average():
    noise = {"model": "relative", "sigma": 0.05}
    _, given, _ = acting("column", SAME, read_noise=noise)
    exact = (DAY / 20 + 1) ** 0.06
    spread = given.gains[NAME] / exact - 1
    expected = 0.05 * np.sqrt(2 / 40)  # two readings of 20 pairs of devices of about the same conductance
    assert 0.3 * expected < spread.std() < 3 * expected
    whole = acting("global", SAME, read_noise=noise)[1].gains[NAME]
    assert 0 < abs(float(whole) / exact - 1) < expected
    again = acting("column", SAME, read_noise=noise)[1].gains[NAME]
    np.testing.assert_array_equal(given.gains[NAME], again)


def test_the_voltages_of_a_compensated_crossbar_are_those_of_its_weights():
    net, given, _ = acting("column", VARIED)
    crossbar, inputs = build(net, params_of(net), 4, target="numpy"), batch_of(net, 4)[0]
    crossbar.hold(given)
    same = build(net, dict(given), 4, target="numpy")
    np.testing.assert_allclose(crossbar.relax(inputs).outputs, same.relax(inputs).outputs, atol=1e-12)


def test_every_column_of_devices_is_read_once_at_first_and_once_at_each_time():
    assert store_of("global", SAME)[1].chip.compensation_reads(3) == 2 * (12 + 6) * 4
    assert store_of("none", SAME)[1].chip.compensation_reads(3) == 0
    own = {"projections": {NAME: {"hardware": "pcm"}}}
    assert store_of("column", SAME, over=own)[1].chip.compensation_reads(1) == 2 * 6 * 2


def test_lateral_arrays_have_one_factor_so_that_their_weights_stay_symmetric():
    lateral = {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1}
    _, given, _ = acting("column", VARIED, over={"projections": {"lateral": lateral}})
    assert given.gains["lateral"].shape == () and given.gains[NAME].shape == (12,)
    np.testing.assert_array_equal(given["lateral"], given["lateral"].T)


def test_a_resistor_network_has_nothing_to_scale():
    with pytest.raises(SpecError, match=r"array.drift_compensation is 'global', .* use 'none', or substrate crossbar"):
        network("resistive", 3, 4, 2, made_of={"array": {"drift_compensation": "global"}})
