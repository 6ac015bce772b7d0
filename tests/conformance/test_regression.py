"""Values are learned on every substrate, and whatever the user's units are, so are the errors."""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from neuroeq.data import examples_of, from_arrays
from neuroeq.data.coding import Values
from neuroeq.describe.catalog import resolve
from neuroeq.errors import NeuroeqError
from neuroeq.runs.checking import check_network
from neuroeq.runs.run import load_run
from neuroeq.runs.training import train
from neuroeq.runs.transfer import evaluate_run
from tests.cli.test_cli import cli
from tests.nets import network

V = np.random.default_rng(2).random((60, 2))
Y = V @ [[0.15, 0.25], [0.2, 0.1]]
EXPLAINED = {"rate": 0.995, "spiking": 0.99, "oscillator": 0.95, "crossbar": 0.995, "resistive": 0.995}
"""R^2 of two voltages after 10 epochs, which a training that is worse fails to reach."""


@cache
def two_voltages(substrate):
    settings = ["data.samples=100", "training.epochs=10"]
    return train("two_voltages", substrate, settings=settings, keep=False, target="numpy")


@pytest.mark.parametrize("substrate", EXPLAINED)
def test_two_voltages_are_learned(substrate):
    run = two_voltages(substrate)
    assert run.test_r2 > EXPLAINED[substrate]
    assert run.test_error is run.train_error is run.classes is None and run.result["learned"]


@pytest.mark.parametrize("substrate", ["rate", "resistive"])
def test_errors_are_those_of_predictions_in_the_users_units(substrate):
    run, values = two_voltages(substrate), V @ [[0.15, 0.25], [0.2, 0.1]]
    data = from_arrays((V, values, V, values))
    assert np.sqrt(np.mean((run.predict(V) - values) ** 2)) < 5 * run.test_rmse
    examples = examples_of(run.network, data)
    again = train(run.network, data=(V, values, V, values), epochs=2, keep=False, target="numpy")
    errors = again.predict(V) - values
    assert again.test_rmse == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-6)
    explained = 1 - np.square(errors).sum(axis=0) / np.square(values - values.mean(axis=0)).sum(axis=0)
    assert again.test_r2 == pytest.approx(explained.mean(), rel=1e-6)
    np.testing.assert_array_equal(again.outputs(V), again.predict(V))
    assert examples.coding == again.coding


def test_other_units_change_nothing_but_the_units():
    """Outputs of rates are bounded, so targets are mapped: volts and millivolts from another zero are the same ones."""
    one, other = (
        train("two_voltages", "rate", data=(V, values), epochs=2, keep=False, target="numpy")
        for values in (Y, 1000 * Y - 40)
    )
    for name, value in one.params.items():
        np.testing.assert_allclose(other.params[name], value, rtol=0, atol=1e-9)
    assert other.test_rmse == pytest.approx(1000 * one.test_rmse, rel=1e-6)
    assert other.test_r2 == pytest.approx(one.test_r2, rel=1e-6)
    np.testing.assert_allclose(other.predict(V), 1000 * one.predict(V) - 40, rtol=1e-6)


RANGED = ["data.output_range=[0, 0.3]"]


def net_of(substrate="rate", **data):
    return network(substrate, 2, 2, data={"name": "mine", "targets": "values", "protocol": "final", **data})


def test_targets_of_the_training_part_fill_the_inner_range_of_bounded_outputs_and_no_other_part_counts():
    values = np.where(np.arange(60)[:, None] % 2, [3.0, -7.0], [1.0, 5.0])
    far, rows = 10 * values, examples_of(net_of(), from_arrays((V, values))).train.rows
    far[rows] = values[rows]
    examples = examples_of(net_of(), from_arrays((V, far)))
    assert len(examples.train) == 48
    wanted = examples.batch(examples.train, slice(None), net_of())[2]
    np.testing.assert_allclose([wanted.min(axis=0), wanted.max(axis=0)], [[0.1, 0.1], [0.9, 0.9]])
    np.testing.assert_allclose(examples.coding.read(wanted), values[rows])


def test_linear_outputs_have_the_values_themselves_as_targets_unless_the_file_gives_a_range():
    nodes = resolve("two_voltages", "resistive")
    source = from_arrays((V, 2 * Y))
    assert examples_of(nodes, source).coding == Values((0.0, 0.0), (1.0, 1.0))
    ranged = examples_of(resolve("two_voltages", "resistive", ["data.output_range=[0.2, 0.4]"]), source)
    wanted = ranged.coding.targets(ranged.train.labels)
    np.testing.assert_allclose([wanted.min(), wanted.max()], [0.2, 0.4])


@pytest.mark.parametrize(("factor", "settings", "warned"), [(1, [], False), (10, [], True), (10, RANGED, False)])
def test_values_that_no_output_of_a_resistor_network_reaches_are_warned_of(factor, settings, warned, recwarn):
    examples_of(resolve("two_voltages", "resistive", settings), from_arrays((V, factor * Y)))
    wanted = r"values reach 3\.\d+, and outputs of this resistor network at most 0\.9"
    assert warned == any(re.search(wanted, str(each.message)) for each in recwarn)


def test_a_value_that_never_changes_is_a_target_in_the_middle():
    examples = examples_of(net_of(), from_arrays((V, np.full((60, 2), 7.0))))
    np.testing.assert_allclose(examples.coding.targets(examples.train.labels), 0.5)


def test_guessing_the_mean_explains_nothing_and_knowing_explains_all():
    coding = Values((0.0, 0.0), (1.0, 1.0))
    guess = np.broadcast_to(Y.mean(axis=0), Y.shape)
    assert coding.figures(coding.misses(guess, Y), Y)["r2"] == pytest.approx(0)
    assert coding.figures(coding.misses(Y, Y), Y) == {"rmse": 0.0, "r2": 1.0}


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (lambda: net_of(n=1), "no key 'data.n'"),
        (lambda: net_of(output_range=[1, 0]), "output_range is .1, 0. .*; expected a lower and a higher number"),
        (lambda: resolve("xor", "rate", ["data.output_range=[0, 1]"]), "with targets 'one_hot'; expected"),
        (
            lambda: network("rate", 2, 2, data={"name": "m", "targets": "values"}, phases={"cost": "cross_entropy"}),
            "cost is 'cross_entropy' with data.targets 'values'; use one_hot or squared_error",
        ),
    ],
)
def test_what_does_not_go_with_values_is_refused_in_a_sentence(net, said):
    with pytest.raises(NeuroeqError, match=said) as told:
        net()
    assert str(told.value).count("\n") == 0


SMALL = ["two_voltages", "--set", "data.samples=40", "--epochs", "2"]


def test_a_run_of_values_is_told_and_evaluated_in_the_users_units(capsys):
    code, out, told = cli(capsys, "run", *SMALL, "--target", "numpy", "--substrate", "rate", "--out", "run")
    assert code == 0 and "test RMSE" in out and "R^2" in out and "train RMSE" in told and "accuracy" not in out
    result = load_run("run").result
    assert {"train_rmse", "test_rmse", "train_r2", "test_r2", "target_map", "chance_rmse"} <= result.keys()
    code, out, _ = cli(capsys, "eval", "run", "--json", "--quiet")
    told = json.loads(out)
    assert told["measure"] == "rmse" and told["spreads"][0]["mean"] == pytest.approx(result["test_rmse"], rel=1e-6)
    code, out, _ = cli(capsys, "eval", "run", "--quiet")
    assert code == 0 and "test RMSE" in out and "%" not in out
    assert cli(capsys, "plot", "run", "learning")[0] == cli(capsys, "check", "run")[0] == 0


def test_a_sweep_of_values_has_their_errors_in_its_table_and_figures(capsys):
    vary = ["--vary", "phases.beta=0.1,0.2", "--on", "rate", "--seeds", "1", "--out", "sweep", "--json", "--quiet"]
    code, out, _ = cli(capsys, "sweep", *SMALL, *vary)
    assert code == 0 and all(row["test_rmse"] > 0 and row["test_error"] is None for row in json.loads(out)["rows"])
    assert cli(capsys, "plot", "sweep", "all")[0] == 0
    assert Path("sweep/figures/rmse.png").exists() and Path("sweep/figures/r2.png").exists()


def test_a_comparison_of_values_says_what_is_explained(capsys):
    line = ["compare", *SMALL, "--on", "rate,resistive", "--seeds", "1", "--out", "cmp", "--quiet"]
    code, out, told = cli(capsys, *line)
    assert code == 0 and "R²" in out, told


def test_a_resumed_check_and_another_chip_read_the_same_values(tmp_path):
    run = train("two_voltages", "crossbar", hardware="pcm", epochs=1, out=tmp_path / "r", target="numpy")
    assert evaluate_run(run).measure == "rmse" and evaluate_run(run).own_error == run.test_rmse
    assert check_network(run.path).projections
