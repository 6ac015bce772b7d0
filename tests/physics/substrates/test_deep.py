"""DEEP: complete directed networks whose units leak through their outgoing weights."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.errors import SpecError
from neuroeq.measures.fidelity import implicit_gradient
from neuroeq.physics.engine import Plasticity
from tests.complete import complete, matrix, random_weights, split
from tests.nets import COST, batch_of, network, params_of, positive, substrate_of, update_of

SIZES = (3, 4, 2)
CLAMPED = SIZES[0] + 1
BETA, STEPS = 0.7, 30


def free_states(eq):
    return np.concatenate([eq.state["hidden1"], eq.state["output"]], axis=1)


def step(s, x, whole, count_clamped, pull=0.0):
    """Return one step of 0.05 time constants as the paper writes it, for a batch of free states."""
    fixed = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    everything = np.concatenate([fixed, s], axis=1)
    leak = whole[CLAMPED:].sum(axis=1) + count_clamped * whole[:CLAMPED, CLAMPED:].sum(axis=0)
    return np.clip(s + 0.05 * (everything @ whole[:, CLAMPED:] - s * leak + pull), 0, 1)


def pulled(s, y, beta=BETA):
    pull = np.zeros_like(s)
    pull[:, SIZES[1] :] = beta * (y - s[:, SIZES[1] :])
    return pull


@pytest.mark.parametrize("count_clamped", [0, 1])
def test_every_step_is_the_papers_equation_free_and_nudged(count_clamped):
    """In a substrate for more samples than there are, with weights that change between the batches."""
    net = complete(*SIZES, count_clamped=count_clamped)
    substrate = substrate_of(net, random_weights(SIZES), batch=5)
    for seed in (1, 2):
        substrate.params = random_weights(SIZES, seed, 0.6)
        whole = matrix(substrate.params, SIZES)
        x, y = batch_of(net, 3, seed)
        free = eq = substrate.relax(x, stop=Stop(1))
        s = free_states(eq)
        for nudge in [None] * STEPS + [Nudge(BETA, y, COST)] * STEPS:
            s = step(s, x, whole, count_clamped, 0 if nudge is None else pulled(s, y))
            eq = substrate.relax(x, nudge, eq.resume, stop=Stop(1))
            np.testing.assert_allclose(free_states(eq), s, rtol=0, atol=1e-13)
        assert ((s > 0) & (s < 1)).any(), "not everything is clipped"
        assert np.abs(s - free_states(free)).max() > 0.1


@pytest.mark.parametrize(("b0", "b1"), [(0, 1), (0.3, 1), (1, 0)])
def test_the_synapse_sums_the_papers_rule_over_the_nudged_steps(b0, b1):
    """Mean over steps = beta / steps times what the synapse hands over, as the learning rates of the files say."""
    net = complete(*SIZES)
    net = net.model_copy(
        update={
            "substrate": {
                "rate": net.physics.model_copy(
                    update={"synapse": net.physics.synapse.model_copy(update={"parameters": {"b0": b0, "b1": b1}})}
                )
            }
        }
    )
    substrate = substrate_of(net, random_weights(SIZES, 3, 0.6))
    whole, (x, y) = matrix(substrate.params, SIZES), batch_of(net, 4)
    update = update_of(substrate, x, y, positive(BETA), free=Stop(40), nudged=Stop(STEPS))
    s, fixed, total = free_states(update.free), np.concatenate([x, np.ones((4, 1))], axis=1), 0
    for _ in range(STEPS):
        before, s = s, step(s, x, whole, 0, pulled(s, y))
        total = total + np.concatenate([fixed, s], axis=1).T @ (b0 * s + b1 * (s - before)) / 4
    rule = np.zeros_like(whole)
    rule[:, CLAMPED:] = total / STEPS
    np.fill_diagonal(rule, 0)
    expected = split(rule, SIZES)
    assert max(np.abs(value).max() for value in expected.values()) > 1e-3
    for name, value in update.change.items():
        np.testing.assert_allclose(value * BETA / STEPS, expected[name], rtol=0, atol=1e-14, err_msg=name)


def test_weights_that_move_at_every_step_change_the_leak_at_once():
    net = complete(*SIZES)
    substrate = substrate_of(net, random_weights(SIZES, 3, 0.6))
    x, y = batch_of(net, 4)
    free = substrate.relax(x, stop=Stop(10))
    first, second = substrate.params, random_weights(SIZES, 4, 0.6)

    def on_step():
        substrate.params = second
        return second

    eq = substrate.relax(
        x,
        Nudge(BETA, y, COST),
        free.resume,
        stop=Stop(2),
        plasticity=Plasticity(substrate.accumulator(), 1 / BETA, on_step),
    )
    s = free_states(free)
    for params in (first, second):
        s = step(s, x, matrix(params, SIZES), 0, pulled(s, y))
    np.testing.assert_allclose(free_states(eq), s, rtol=0, atol=1e-13)


def test_a_weight_that_serves_both_directions_counts_at_each_end():
    over = {"projections": {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1}}}
    net = network("rate", *SIZES, substrate={"rate": {"neuron": "deep", "synapse": "deep_stdp"}}, **over)
    substrate = substrate_of(net, params_of(net, scale=0.4))
    p, (x, _) = substrate.params, batch_of(net, 4)
    one = substrate.relax(x, stop=Stop(1))
    two = substrate.relax(x, start=one.resume, stop=Stop(1))
    hidden, output = one.state["hidden1"], one.state["output"]
    across, beside = p["hidden1_output"], p["lateral"]
    drive = x @ p["input_hidden1"] + p["hidden1.bias"] + hidden @ beside + output @ across.T
    change = drive - hidden * (across.sum(axis=1) + beside.sum(axis=1))
    np.testing.assert_allclose(two.state["hidden1"], np.clip(hidden + 0.05 * change, 0, 1), rtol=0, atol=1e-14)
    change = hidden @ across + p["output.bias"] - output * across.sum(axis=0)
    np.testing.assert_allclose(two.state["output"], np.clip(output + 0.05 * change, 0, 1), rtol=0, atol=1e-14)


def test_there_is_no_adjoint_of_weights_that_also_leak():
    """As a finite difference would tell, it knows weights by what they carry only."""
    net = complete(*SIZES)
    with pytest.raises(SpecError, match=r"deep.toml: reads the sums of its weights \(outgoing, incoming_clamped\)"):
        implicit_gradient(substrate_of(net, random_weights(SIZES)), *batch_of(net, 2))


def test_models_that_do_not_read_their_strength_do_not_have_it():
    names = [
        set(population.group.variables)
        for population in substrate_of(network("rate", 3, 4, 2)).simulation._assembly.populations
    ]
    assert not any({"outgoing", "incoming_clamped"} & each for each in names)
