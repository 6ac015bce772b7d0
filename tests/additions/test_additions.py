"""Whatever is chosen by name can be added from outside, in one short file, and then acts."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from neuroeq import registry
from neuroeq.cli import main
from neuroeq.contract import Nudge
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import initial_params, learning_rates
from neuroeq.learning.costs import SquaredError, cost_of
from neuroeq.learning.rules import Trial, estimate
from neuroeq.learning.training import initial_state
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams
from neuroeq.runs.run import load_run

HERE = Path(__file__).parent
FILES = ["huber.py", "sign_rule.py", "linear_circuit.py", "squares.py"]
QUOTED = [*FILES, "tunnel_diode.py", "saturating_law.py", "nearest_pulse.py", "exact_gradient.py"]
ONE_PHASE = ["training.learning=contrastive", "training.rule=sign_of_one_phase", "phases.variant=positive"]
LINEAR = """
title = "One layer"
[data]
name = "or"
protocol = "whole"
targets = "scalar"
[layers]
input = { size = 2, role = "input" }
output = { size = 1, role = "output", bias = true }
[projections]
input_output = { source = "input", target = "output", learning_rate = 0.2 }
[phases]
beta = 0.5
free = { duration = "1 steps" }
nudged = { duration = "1 steps" }
[training]
epochs = 60
batch_size = 4
learning = "contrastive"
[substrate.linear]
"""


@pytest.fixture(autouse=True)
def extensions(tmp_path, monkeypatch):
    """Put all files into the folder of extensions, and forget what they register afterwards."""
    monkeypatch.setattr(registry, "_loaded", set())
    for each in (registry.COSTS, registry.RULES, registry.SUBSTRATES, registry.FIGURES, registry.TRAINERS):
        monkeypatch.setattr(each, "_added", {})
    folder = tmp_path / "home" / "extensions"
    folder.mkdir(parents=True)
    for name in FILES:
        shutil.copy(HERE / name, folder)


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--quiet"])
    assert not ended.value.code


def sets(*pairs):
    return [word for pair in pairs for word in ("--set", pair)]


def final_params(out):
    return load_run(out).folder.load().params


def start_params():
    """Return the weights of xor before training, as a run of seed 0 draws them."""
    network = resolve("xor", "rate")
    return network, initial_params(network, Streams(0).child("init"))


def test_the_page_quotes_the_files():
    page = (HERE.parents[1] / "docs" / "extending.md").read_text()
    quoted = re.findall(r"```python\n# tests/additions/(\S+)\n(.*?)```", page, re.DOTALL)
    assert [name for name, _ in quoted] == QUOTED
    for name, text in quoted:
        assert text == (HERE / name).read_text()


def test_the_neuron_and_the_data_set_of_the_page_run():
    page = (HERE.parents[1] / "docs" / "extending.md").read_text()
    neurons = Path("home") / "neurons"
    neurons.mkdir()
    (neurons / "wide.toml").write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])
    run("run", "xor", "--substrate", "rate", "--epochs", "1", *sets("substrate.rate.neuron=wide"))
    exec(re.search(r"```python\n(import struct.*?)```", page, re.DOTALL)[1], {})
    command = re.search(r"neuroeq (run digits --data-dir .*?)`", page)[1]
    run(*command.split(), "--epochs", "1", "--out", "stripes")
    assert load_run("stripes").network.data.name == "stripes"


@pytest.mark.parametrize("file", QUOTED)
def test_an_addition_is_one_file_of_thirty_lines(file):
    assert (HERE / file).read_text().count("\n") <= 30


def test_a_huber_cost_pulls_no_harder_than_its_delta():
    """Where outputs are further than delta from their targets, the held pull is beta delta, and not beta times that."""
    network = resolve("xor", "rate", ["phases.cost=huber"])
    cost = cost_of(network.phases)
    outputs, targets = np.array([[0.0, 0.98], [0.5, 0.5]]), np.array([[1.0, 1.0], [0.0, 0.52]])
    np.testing.assert_allclose(cost.gradient(outputs, targets), [[-0.05, -0.02], [0.05, -0.02]], rtol=0, atol=1e-15)
    np.testing.assert_allclose(cost.value(outputs, targets), [0.05 * 0.975 + 0.0002, 0.05 * 0.475 + 0.0002])


def test_a_run_with_a_huber_cost_learns_what_its_pull_says():
    """One batch of xor by the command line: all outputs start further than delta from their targets.

    A held nudge has the pull clip(o - y, -delta, delta) in place of o - y, so the update is that of squared errors
    towards targets which are delta away from the free outputs.
    """
    how = ["training.learning=contrastive", "phases.nudge=held_current", "training.batch_size=4"]
    run("run", "xor", "--substrate", "rate", "--epochs", "1", "--out", "huber", *sets("phases.cost=huber", *how))
    run("run", "xor", "--substrate", "rate", "--epochs", "1", "--out", "square", *sets(*how))
    found, plain = final_params("huber"), final_params("square")
    network = resolve("xor", "rate", [*how, "phases.cost=huber"])
    _, params = start_params()
    inputs = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    labels = np.array([0, 1, 1, 0])
    targets = np.eye(2)[labels] if network.data.targets == "one_hot" else labels[:, None].astype(float)
    substrate = build(network, params, 4, target="numpy")
    free = substrate.relax(inputs, stop=substrate.stop(network.phases.free))
    near = free.outputs - np.clip(free.outputs - targets, -0.05, 0.05)
    beta = network.phases.beta
    ends = [
        substrate.relax(
            inputs,
            Nudge(sign * beta, near, SquaredError(), "held_current", free),
            free.resume,
            stop=substrate.stop(network.phases.nudged),
        )
        for sign in (1, -1)
    ]
    change = substrate.energy_contrast([(-0.5 / beta, ends[0]), (0.5 / beta, ends[1])])
    for name, rate in learning_rates(network).items():
        np.testing.assert_allclose(found[name] - params[name], rate * change[name], rtol=0, atol=1e-12)
        assert np.abs(found[name] - params[name]).max() < np.abs(plain[name] - params[name]).max()


def test_a_rule_of_signs_moves_every_weight_by_its_learning_rate():
    arguments = ["run", "xor", "--substrate", "rate", "--epochs", "1", "--out", "signs"]
    run(*arguments, *sets(*ONE_PHASE, "training.batch_size=4"))
    network, before = start_params()
    after = final_params("signs")
    for name, rate in learning_rates(network).items():
        moved = np.abs(after[name] - before[name])
        assert set(np.round(moved / rate, 9).ravel()) <= {0.0, 1.0} and moved.any()


def test_a_rule_says_which_phases_it_has_no_use_for(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", "xor", "--substrate", "rate", *sets(*ONE_PHASE[:2])])
    assert ended.value.code == 2
    assert "phases.variant is 'centred' with training.rule 'sign_of_one_phase'" in capsys.readouterr().err


def test_a_rule_that_needs_an_energy_is_refused_on_directed_weights(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", "digits_directed", "--substrate", "rate", *sets(*ONE_PHASE)])
    assert ended.value.code == 2
    assert "is directed, so there is no energy to contrast" in capsys.readouterr().err


def test_a_rule_from_outside_trains_resistors_by_the_rule_and_not_by_a_faster_trainer_of_another():
    """The settings are ones that the fused trainer takes, with the rule 'ep'."""
    counted = [f"phases.{phase}.duration='4 steps'" for phase in ("free", "nudged")]
    settings = [*ONE_PHASE, "phases.nudge=held_current", "training.batch_size=4", *counted]
    network = resolve("xor", "resistive", settings)
    run("run", "xor", "--substrate", "resistive", "--epochs", "1", "--out", "signs", *sets(*settings))
    rates, found = learning_rates(network), load_run("signs")
    before = initial_state(network, Streams(0)).params
    for name, after in final_params(found.path).items():
        moved = np.abs(after - before[name]) / rates[name]
        assert moved.max() <= 1 + 1e-9  # less where a conductance comes to 0
        assert (np.abs(moved - 1) < 1e-9).mean() > 0.2


def test_a_substrate_from_outside_learns_by_the_command_line():
    Path("layer.toml").write_text(LINEAR)
    run("run", "layer.toml", "--substrate", "linear", "--out", "linear")
    result = json.loads(Path("linear/result.json").read_text())
    assert result["substrate"] == "linear"
    assert result["train_error"] == 0
    network = load_run("linear").network
    params = final_params("linear")
    trial = Trial.of(build(network, params, 4), np.eye(2), np.ones((2, 1)), [(0.5, 1.0)], np.random.default_rng(0))
    assert estimate(build(network, params, 4), trial).change["input_output"].shape == (2, 1)


def test_a_trainer_from_outside_trains_the_networks_that_it_allows(tmp_path):
    """Four examples of 'or' in one batch: the first update is minus the learning rate times the mean gradient."""
    shutil.copy(HERE / "exact_gradient.py", tmp_path / "home" / "extensions")
    Path("layer.toml").write_text(LINEAR)
    run("run", "layer.toml", "--substrate", "linear", "--out", "begun", "--epochs", "1")
    before = initial_params(load_run("begun").network, Streams(0).child("init"))
    inputs, targets = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [1]])
    error = targets - inputs @ before["input_output"] - before["output.bias"]
    after = final_params("begun")
    np.testing.assert_allclose(after["input_output"], before["input_output"] + 0.2 * inputs.T @ error / 4, atol=1e-12)
    np.testing.assert_allclose(after["output.bias"], before["output.bias"] + 0.2 * error.mean(axis=0), atol=1e-12)
    run("run", "layer.toml", "--substrate", "linear", "--out", "whole")
    result = json.loads(Path("whole/result.json").read_text())
    assert (result["trainer"], result["train_error"]) == ("exact_gradient", 0)
    run("run", "xor", "--substrate", "rate", "--out", "xor", "--epochs", "1")
    assert json.loads(Path("xor/result.json").read_text())["trainer"] == "stepwise"


def test_a_figure_from_outside_is_drawn_by_name():
    run("run", "xor", "--substrate", "rate", "--epochs", "2", "--out", "curve")
    with pytest.raises(SystemExit) as ended:
        main(["plot", "curve", "squares"])
    assert not ended.value.code
    assert (Path("curve") / "figures" / "squares.png").exists()


def test_a_name_that_nobody_registered_is_refused_with_those_there_are(capsys):
    for setting, expected in (
        ("training.rule=sign", "training.rule is 'sign'; expected 'ep', 'vector_field'"),
        ("phases.cost=hubert", "'huber'"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["run", "xor", "--substrate", "rate", "--set", setting])
        assert ended.value.code == 2
        assert expected in capsys.readouterr().err
