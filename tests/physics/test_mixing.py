"""Anderson's mixing: fixed points of linear maps in as many steps as they have dimensions; samples on their own."""

import numpy as np

from neuroeq.physics.mixing import MEMORY, Mixing


def linear(rng, n):
    """Return a linear map of samples, (n samples of n units), which contracts slowly, and its fixed point."""
    turned, _ = np.linalg.qr(rng.normal(size=(n, n)))
    slopes, fixed = turned * np.linspace(0.9, 0.999, n) @ turned.T, rng.normal(size=(n, n))
    return (lambda x: fixed + (x - fixed) @ slopes), fixed


def steps_to(function, x, fixed, precision=1e-8):
    """Return after how many steps of mixing all samples are at the fixed point."""
    mixing = Mixing(len(x))
    for number in range(1000):
        if np.abs(x - fixed).max() < precision:
            return number
        x = mixing.mixed(x, function(x))
    return None


def test_a_linear_map_of_few_units_takes_a_few_steps_more_than_it_has_units():
    for n in range(1, MEMORY + 1):
        function, fixed = linear(np.random.default_rng(n), n)
        assert steps_to(function, np.zeros((n, n)), fixed) <= n + 4


def test_slow_modes_of_many_units_fade_sooner_than_by_plain_steps():
    function, fixed = linear(np.random.default_rng(0), 40)
    assert steps_to(function, np.zeros((40, 40)), fixed) < 500  # .999**n is 1e-8 after 18,000 plain steps


def clipped(rng, n):
    """Return a map of units between 0 and 1 that pull each other to their bounds, one step of a descent of energy."""
    weights = rng.normal(size=(n, n)) * 2.0 / np.sqrt(n)
    weights, bias = (weights + weights.T) / 2, rng.normal(size=n)
    return lambda x: np.clip(x + 0.3 * (x @ weights + bias - x), 0, 1)


def test_units_that_are_clipped_settle_although_mixing_leads_away_at_kinks():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        function, x = clipped(rng, 30), rng.random((3, 30))
        mixing = Mixing(3)
        for number in range(2000):
            after = function(x)
            if np.abs(after - x).max() < 1e-9:
                break
            x = after if number < 5 else np.clip(mixing.mixed(x, after), 0, 1)
        assert np.abs(function(x) - x).max() < 1e-9


def test_each_sample_goes_on_as_it_would_alone():
    function, _ = linear(np.random.default_rng(1), 4)
    both, alone = Mixing(4), Mixing(1)
    x = np.random.default_rng(2).normal(size=(4, 4))
    first = x[:1]
    for _ in range(12):
        far = function(x) + [[0], [0], [30], [0]] * (np.abs(x) < 5)  # which makes the third sample jump to and fro
        x, first = both.mixed(x, far), alone.mixed(first, far[:1])
        np.testing.assert_allclose(x[:1], first, rtol=1e-9)
