"""The random numbers of units: known answers, distributions, and that one shifts no other."""

import numpy as np
import pytest

from neuroeq.physics.engine.noise import draw, philox
from tests.nets import batch_of, network, params_of, positive, substrate_of, update_of

ONES = 0xFFFFFFFF


def test_words_are_those_that_the_authors_publish():
    """Of Philox4x32-10 with a counter and a key of zeros (Random123, kat_vectors)."""
    found = philox(np.array([0], np.uint64), 0, 0, 0)
    assert [f"{int(word):08x}" for word in found[:, 0]] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


def test_rounds_by_hand():
    """One word at a time in Python's integers, at a place and with a key without zeros."""
    a, b, c, d = 7, 123456, 0xDEADBEEF, 0
    low, high = 0x89ABCDEF, 0x01234567
    for _ in range(10):
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (second >> 32) ^ b ^ low, second & ONES, (first >> 32) ^ d ^ high, first & ONES
        low, high = (low + 0x9E3779B9) & ONES, (high + 0xBB67AE85) & ONES
    found = philox(np.array([7], np.uint64), 123456, 0xDEADBEEF, 0x0123456789ABCDEF)
    assert found[:, 0].tolist() == [a, b, c, d]


@pytest.mark.parametrize(("kind", "mean", "variance"), [("rand()", 0.5, 1 / 12), ("randn()", 0.0, 1.0)])
def test_numbers_have_their_distribution(kind, mean, variance):
    """Mean and variance within 5 standard errors, and no correlation between units, steps and variables."""
    n = 100_003
    one, next_step, other = np.empty(n), np.empty(n), np.empty(n)
    draw(one, kind, 5, 1, 9)
    draw(next_step, kind, 5, 2, 9)
    draw(other, kind, 5, 1, 10)
    assert one.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / n))
    assert one.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / n))
    for another in (next_step, other, np.roll(one, 1)):
        assert abs(np.corrcoef(one, another)[0, 1]) < 5 / np.sqrt(n)


def test_a_model_without_random_numbers_draws_nothing():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    net = network("rate", 6, 30, 3)
    substrate_of(net, batch=5, target="numpy").relax(batch_of(net, 5)[0], rng=rng)
    assert rng.bit_generator.state == before


def test_noise_that_is_switched_on_elsewhere_shifts_none():
    """Output units that are noisy too leave the first step of the hidden ones as it was."""
    noisy = {"neuron": "bernoulli"}
    drawn = {}
    for name, layers in {"one": {"hidden1": noisy}, "both": {"hidden1": noisy, "output": noisy}}.items():
        net = network("spiking", 6, 30, 3, layers=layers)
        substrate = substrate_of(net, batch=5, target="numpy")
        simulation = substrate.simulation
        simulation.draws.key = 77
        simulation.draws.write(4)
        home = simulation._home["hidden1"]
        drawn[name] = home.view("neuroeq_noise_0", "hidden1").copy()
    assert drawn["one"].std() > 0.1
    np.testing.assert_array_equal(drawn["one"], drawn["both"])


@pytest.mark.parametrize("engine", ["reference", "stepper"])
def test_every_engine_draws_the_same(engine):
    net = network("spiking", 6, 30, 3, substrate={"spiking": {"neuron": "bernoulli"}})
    inputs, _ = batch_of(net, 5)
    rates = [
        substrate_of(net, batch=5, target="numpy", engine=each).relax(inputs, rng=np.random.default_rng(3)).spikes
        for each in ("stepper", engine)
    ]
    assert rates[0] == rates[1] > 0


NOISY_SYNAPSE = """
extends = "rate_derivative"
title = "t"
source = "s"
equations = "ddw/dt = gain*hebb + 0.1*gain*xi*second**-0.5 : 1"
"""


def test_noise_of_synapses_is_that_of_the_seed(tmp_path):
    (tmp_path / "noisy.toml").write_text(NOISY_SYNAPSE)
    net = network("rate", 2, 3, 2, substrate={"rate": {"synapse": str(tmp_path / "noisy.toml")}})
    changes = [
        update_of(substrate_of(net, target="numpy"), *batch_of(net, 4), positive(0.5), seed=seed).change
        for seed in (2, 2, 3)
    ]
    one, again, other = (change["hidden1_output"] for change in changes)
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3


def test_an_activity_of_the_drive_is_that_of_the_present_batch(tmp_path):
    (tmp_path / "driven.toml").write_text(
        'extends = "hard_sigmoid"\ntitle = "t"\nsource = "s"\nactivity = "0.5*s + 0.1*drive"\n'
    )
    net = network("rate", 3, 5, 2, substrate={"rate": {"neuron": str(tmp_path / "driven.toml")}})
    substrate = substrate_of(net, target="numpy")
    first, second = (batch_of(net, 4, seed)[0] for seed in (1, 2))
    alone = substrate.relax(first).outputs
    substrate.relax(second)
    np.testing.assert_array_equal(substrate.relax(first).outputs, alone)


def test_a_state_may_be_called_noise(tmp_path):
    (tmp_path / "noisy.toml").write_text(
        XI.replace('"ds/dt', '"""dnoise_ou/dt = -noise_ou/tau : 1\nds/dt').replace('**-0.5 : 1"', '**-0.5 : 1"""')
    )
    net = network("rate", 2, 3, 2, substrate={"rate": {"neuron": str(tmp_path / "noisy.toml")}})
    (population,) = substrate_of(net, target="numpy").simulation._assembly.populations
    assert {"s", "noise_ou"} <= set(population.state_arrays)


XI = """
emits = "rate"
title = "noisy"
source = "test"
equations = "ds/dt = (drive + bias - s + nudge)/tau + 0.3*xi*tau**-0.5 : 1"
state = "s"
activity = "s"
dt = "1 ms"

[parameters]
tau = "10 ms"
"""


def test_noise_of_an_equation_has_its_size(tmp_path):
    """An Ornstein-Uhlenbeck process: the variance of Euler steps of a tenth of tau is 0.3^2/2 (1 - 1/20)^-1."""
    (tmp_path / "noisy.toml").write_text(XI)
    net = network("rate", 2, 400, 2, substrate={"rate": {"neuron": str(tmp_path / "noisy.toml")}})
    substrate = substrate_of(net, {name: 0 * value for name, value in params_of(net).items()}, 20, target="numpy")
    eq = substrate.relax(batch_of(net, 20)[0], rng=np.random.default_rng(1))
    assert eq.state["hidden1"].var() == pytest.approx(0.045 / 0.95, rel=0.06)
