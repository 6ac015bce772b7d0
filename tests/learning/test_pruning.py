"""L1 regularisation and stochastic pruning: which edges go, how often, and that they stay away."""

import signal

import numpy as np
import pytest

from neuroeq.describe.catalog import resolve
from neuroeq.describe.spec.recipe import Prune
from neuroeq.errors import SpecError
from neuroeq.learning.optimiser import Descent
from neuroeq.learning.pruning import Pruning, key_of
from neuroeq.runs.interruption import Interrupted
from neuroeq.runs.records import RunFolder
from neuroeq.runs.training import train
from tests.learning.test_training import trained
from tests.nets import network, params_of

SKIPS = {"projections": {"input_output": {"source": "input", "target": "output", "learning_rate": 0.1}}}
LATERAL = {"projections": {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1}}}
PRUNED = ["training.l1=1e-3", "training.prune={below = 0.05, temperature = 5}", "training.epochs=12"]


def pruning(below=0.1, temperature=0.05, **over):
    net = network("rate", 3, 5, 2, **over)
    return Pruning(net, Prune(below=below, temperature=temperature)), params_of(net, scale=0.3)


def test_l1_takes_the_same_off_every_weight_that_learns_and_off_no_bias():
    over = {"projections": {"hidden1_output": {"learning_rate": 0.0}}}
    net = network("rate", 3, 5, 2, training={"l1": 0.01}, **over)
    params = params_of(net)
    moved = Descent(net).step(params, {name: np.zeros_like(value) for name, value in params.items()}, 0)
    weight = params["input_hidden1"]
    np.testing.assert_allclose(moved["input_hidden1"], weight - 0.01 * np.sign(weight), rtol=0, atol=1e-15)
    for name in ("hidden1_output", "hidden1.bias", "output.bias"):
        np.testing.assert_array_equal(moved[name], params[name])


def test_small_weights_go_as_often_as_their_share_of_the_edges_into_a_unit_says():
    """Frequencies of 4000 draws, within 5 standard deviations."""
    rule, params = pruning(**SKIPS)
    rng, n = np.random.default_rng(0), 4000
    into = {"hidden1": ["input_hidden1"], "output": ["hidden1_output", "input_output"]}
    gone = {name: np.zeros(value.shape) for name, value in params.items()}
    for _ in range(n):
        for name, value in rule.step(params, params, key_of(rng)).items():
            gone[name] += (value == 0) & (params[name] != 0)
    for names in into.values():
        total = sum(np.exp(-np.abs(params[name]) / 0.05).sum(axis=0) for name in names)
        for name in names:
            small = np.abs(params[name]) <= 0.1
            chance = np.where(small, np.exp(-np.abs(params[name]) / 0.05) / total, 0)
            assert 0 < small.sum() < small.size
            assert (np.abs(gone[name] / n - chance) <= 5 * np.sqrt(chance * (1 - chance) / n)).all()
    assert not gone["hidden1.bias"].any() and not gone["output.bias"].any()


@pytest.mark.parametrize("temperature", [1e-2, 1e-3, 1e-5, 1e-300])
def test_when_it_is_cold_the_smallest_edge_into_each_unit_goes_for_certain(temperature):
    rule, params = pruning(below=1.0, temperature=temperature)
    params["input_hidden1"] = 0.5 + 0.1 * np.arange(15.0).reshape(3, 5)
    kept = rule.step(params, params, 0)["input_hidden1"]
    assert (kept[0] == 0).all() and (kept[1:] != 0).all()


def test_an_edge_that_is_gone_stays_and_is_not_counted_again():
    rule, params = pruning(below=1e-9)
    params["input_hidden1"][0, :3] = 0
    after = {name: value + 1.0 for name, value in params.items()}
    kept = rule.step(params, after, 0)
    assert (kept["input_hidden1"][0, :3] == 0).all() and (after["input_hidden1"] != 0).all()
    assert rule.edges(kept) == 3 * 5 + 5 * 2 - 3
    np.testing.assert_array_equal(kept["hidden1.bias"], after["hidden1.bias"])


def test_lateral_edges_go_in_pairs_and_those_that_do_not_learn_stay():
    frozen = {"projections": {**LATERAL["projections"], "input_hidden1": {"learning_rate": 0.0}}}
    rule, params = pruning(below=10.0, temperature=100.0, **frozen)
    lost = 0
    for seed in range(5):
        kept = rule.step(params, params, seed)
        np.testing.assert_array_equal(kept["lateral"], kept["lateral"].T)
        lost += np.count_nonzero(params["lateral"]) - np.count_nonzero(kept["lateral"])
        np.testing.assert_array_equal(kept["input_hidden1"], params["input_hidden1"])
    assert lost > 0


def test_where_no_weight_is_small_enough_pruning_changes_nothing_else():
    plain, idle = (
        trained(resolve("iris", "rate", ["training.epochs=2", *more]))[0].params
        for more in ([], ["training.prune={below = 1e-300, temperature = 5}"])
    )
    for name in plain:
        np.testing.assert_array_equal(plain[name], idle[name])


def test_a_resumed_run_has_lost_the_same_edges_and_its_metrics_count_them(tmp_path):
    def stop(step, row):
        if step.epoch == 5:
            signal.raise_signal(signal.SIGINT)

    whole = train("xor", "rate", settings=PRUNED, out=tmp_path / "whole")
    with pytest.raises(Interrupted):
        train("xor", "rate", settings=PRUNED, out=tmp_path / "cut", progress=stop)
    cut = train("xor", "rate", settings=PRUNED, out=tmp_path / "cut", resume=True)
    one, two = (RunFolder(run.path).load().params for run in (whole, cut))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    counts = [row["edges"] for row in whole.metrics]
    assert counts == [row["edges"] for row in cut.metrics]
    assert counts == sorted(counts, reverse=True) and counts[-1] < counts[0]
    assert counts[-1] == sum(np.count_nonzero(one[name]) for name in ("input_hidden", "hidden_output"))


def test_runs_that_do_not_prune_count_no_edges(tmp_path):
    run = train("xor", "rate", epochs=1, out=tmp_path / "run")
    assert "edges" not in run.metrics[0]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        (["training.prune={below = 0, temperature = 5}"], "training.prune.below"),
        (
            ["training.update=every_step", "phases.variant=positive", PRUNED[1]],
            "training.update is 'every_step' with training.prune, which acts once a batch; expected 'after_phases'",
        ),
        (
            ["training.update=every_step", "phases.variant=positive", PRUNED[0]],
            "training.update is 'every_step' with training.l1, which acts once a batch",
        ),
        (
            [PRUNED[1], "projections.input_hidden.bounds=[0, 1]"],
            r"projections.input_hidden keeps its weights from 0 to 1, where 0 is at the end of the range or outside it",
        ),
        (
            [PRUNED[1], "projections.input_hidden.initial.gain=0"],
            "projections.input_hidden.initial.gain is 0, and a weight of 0 is a removed edge",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(settings, match):
    with pytest.raises(SpecError, match=match):
        trained(resolve("xor", "rate", settings))


def test_conductances_are_not_pruned():
    with pytest.raises(SpecError, match=r"keeps its weights from 0 to inf, where 0 is at the end of the range"):
        trained(resolve("xor", "resistive", PRUNED))
