"""Momentum: slow descents end sooner, where plain steps end, and not at saddles; each sample goes on its own way."""

import numpy as np

from neuroeq.physics.momentum import Momentum


def descent(rng, n, gain):
    """Return one step of the descent of -1/2 x.W.x - b.x + 1/2 |x|^2 in the unit cube, for samples (m, n)."""
    weights = rng.normal(size=(n, n)) * gain / np.sqrt(n)
    weights, bias = (weights + weights.T) / 2, rng.normal(size=n)
    return lambda x: np.clip(x + 0.3 * (x @ weights + bias - x), 0, 1)


def settled(step, x, accelerated, precision=1e-9):
    """Return where samples rest, and after how many steps."""
    momentum = Momentum(x)
    for number in range(20_000):
        after = step(x)
        if np.abs(after - x).max() < precision:
            return after, number
        x = np.clip(momentum.beyond(x, after), 0, 1) if accelerated else after
    raise AssertionError("they do not rest")


def test_a_slow_descent_ends_sooner_and_at_the_same_place():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        turned, _ = np.linalg.qr(rng.normal(size=(30, 30)))
        slopes, rest = turned * np.linspace(0.004, 1, 30) @ turned.T, rng.uniform(0.3, 0.7, 30)

        def step(x, slopes=slopes, rest=rest):
            return x - 0.3 * (x - rest) @ slopes

        x = rest + rng.uniform(-0.1, 0.1, (4, 30))
        (plain, slow), (quick, soon) = settled(step, x, False), settled(step, x, True)
        np.testing.assert_allclose(quick, plain, atol=1e-5)
        np.testing.assert_allclose(quick, np.broadcast_to(rest, x.shape), atol=1e-5)
        assert soon < slow / 8


def test_units_with_several_states_of_rest_end_in_the_one_of_plain_steps_and_at_no_saddle():
    elsewhere = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        step, x = descent(rng, 30, 2.0), rng.random((3, 30))
        for _ in range(20):
            x = step(x)
        (plain, _), (quick, _) = settled(step, x, False), settled(step, x, True)
        elsewhere += int((np.abs(plain - quick).max(axis=1) > 1e-4).sum())
        shifted = np.clip(quick + 1e-4 * rng.normal(size=x.shape), 0, 1)
        np.testing.assert_allclose(settled(step, shifted, False)[0], quick, atol=1e-5)
    assert elsewhere <= 2  # of 120


def test_each_sample_goes_on_as_it_would_alone():
    step = descent(np.random.default_rng(1), 20, 1.5)
    both = np.random.default_rng(2).random((4, 20))
    alone, together, single = both[:1], Momentum(both), Momentum(both[:1])
    for _ in range(30):
        both, alone = together.beyond(both, step(both)), single.beyond(alone, step(alone))
        np.testing.assert_allclose(both[:1], alone, rtol=1e-12)
