"""Gershgorin's certificate: where it holds there is one equilibrium; and the energy that symmetric weights lower."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.describe.operators import free_weights
from neuroeq.errors import SpecError
from neuroeq.measures.certificate import certificate
from tests.complete import complete, matrix, random_weights, split
from tests.nets import network, params_of, substrate_of

SIZES, BATCH = (3, 4, 2), 64
CLAMPED = SIZES[0] + 1


def certified(seed, which):
    """Return weights of either sign that leave the rows, or the columns, dominated by their leak."""
    rng = np.random.default_rng(seed)
    whole = matrix(random_weights(SIZES, seed), SIZES)
    inner, n = rng.normal(0, 0.3, (6, 6)), 6
    np.fill_diagonal(inner, 0)
    if which == "rows":
        inner[:, 0], inner[0, 1:] = 0.02 * inner[:, 0], 2 * np.abs(inner[0, 1:])
    whole[CLAMPED:, CLAMPED:] = inner
    need = np.abs(inner).sum(axis=0 if which == "rows" else 1) - inner.sum(axis=1)
    share = rng.dirichlet(np.ones(CLAMPED), n).T
    whole[:CLAMPED, CLAMPED:] = share * (need + 0.05)
    return split(whole, SIZES)


def from_many_starts(net, params):
    """Return where the free phase ends from random starts all over the box, under one input."""
    substrate, rng = substrate_of(net, params, batch=BATCH), np.random.default_rng(0)
    x = np.tile(rng.random(SIZES[0]), (BATCH, 1))
    first = substrate.relax(x, stop=Stop(1))
    shifts = {layer: rng.random(state.shape) - state[:1] for layer, state in first.state.items()}
    start = substrate.simulation.spread(first.resume, 0, shifts)
    end = substrate.relax(x, start=start, stop=Stop(20_000, 1e-12))
    assert end.converged
    return np.concatenate(list(end.state.values()), axis=1)


@pytest.mark.parametrize("which", ["rows", "columns"])
@pytest.mark.parametrize("seed", range(3))
def test_a_certified_network_ends_at_one_fixed_point_from_every_start(seed, which):
    net, params = complete(*SIZES, count_clamped=1), certified(seed, which)
    found = certificate(net, params)
    assert found and getattr(found, which) and found.margin > 0
    ends = from_many_starts(net, params)
    np.testing.assert_allclose(ends, np.broadcast_to(ends[0], ends.shape), rtol=0, atol=1e-9)


def test_a_network_without_a_certificate_may_have_two_fixed_points():
    """Two units that inhibit each other: either wins."""
    net, params = complete(*SIZES, count_clamped=1), certified(0, "rows")
    params["hidden1_hidden1"][:2, :2] = [[0, -3], [-3, 0]]
    assert not certificate(net, params) and certificate(net, params).margin < 0
    ends = from_many_starts(net, params)
    winners = {tuple(end[:2].round(9)) for end in ends}
    assert {(0.0, 1.0), (1.0, 0.0)} <= winners


@pytest.mark.parametrize("seed", range(5))
def test_deeps_own_leak_is_never_certified(seed):
    """Summed over all units, |W| would be less than W; the same weights with the clamped ones counted are certified."""
    for which in ("rows", "columns"):
        params = certified(seed, which)
        assert certificate(complete(*SIZES, count_clamped=1), params)
        assert not certificate(complete(*SIZES), params)


def test_the_certificate_is_a_statement_about_the_jacobian():
    """Row by row, the margins of diag(b) - W^T."""
    net, params = complete(*SIZES, count_clamped=1), certified(1, "rows")
    whole = matrix(params, SIZES)
    a = whole[CLAMPED:, CLAMPED:].T - np.diag(whole[CLAMPED:].sum(axis=1) + whole[:CLAMPED, CLAMPED:].sum(axis=0))
    np.testing.assert_array_equal(free_weights(net, params), whole[CLAMPED:, CLAMPED:])
    off = np.abs(a - np.diag(np.diag(a)))
    margins = [(-np.diag(a) - off.sum(axis=axis)).min() for axis in (1, 0)]
    assert certificate(net, params).margin == pytest.approx(max(margins), abs=1e-14)
    assert np.linalg.eigvals(a).real.max() < 0


def test_units_with_another_leak_are_refused():
    net = network("rate", 3, 4, 2)
    with pytest.raises(SpecError, match=r"layers.hidden1 has neuron 'hard_sigmoid', whose leak is not the sum"):
        certificate(net, params_of(net))


def energies(params):
    """Return 1/2 sum of W_ij (s_i - s_j)^2 over all pairs, after every step of the free phase: (steps, batch)."""
    substrate, x = substrate_of(complete(*SIZES, count_clamped=1), params), np.random.default_rng(2).random((4, 3))
    whole, eq, found = matrix(params, SIZES), None, []
    for _ in range(200):
        eq = substrate.relax(x, start=eq and eq.resume, stop=Stop(1))
        s = np.concatenate([x, np.ones((4, 1)), eq.state["hidden1"], eq.state["output"]], axis=1)
        difference = s[:, :, None] - s[:, None, :]
        one_each = whole.copy()
        one_each[CLAMPED:] /= 2
        found.append(0.5 * (one_each * difference**2).sum(axis=(1, 2)))
    return np.array(found)


@pytest.mark.parametrize("seed", range(3))
def test_symmetric_weights_lower_the_energy_at_every_step_of_the_free_phase(seed):
    falls = -np.diff(energies(random_weights(SIZES, seed, 0.5, symmetric=True)), axis=0)
    assert falls.min() > -1e-14 and falls.sum() > 0.01


def test_directed_weights_may_raise_it():
    """The negative control: a unit that only listens has no leak, and rises past what it hears."""
    params = {name: np.zeros_like(value) for name, value in random_weights(SIZES).items()}
    params["input_hidden1"][0, 0], params["hidden1_hidden1"][0, 1] = 0.5, 1.0
    assert np.diff(energies(params), axis=0).max() > 1e-3
