"""A training that starts from another run has its weights, and says which array does not fit."""

import numpy as np
import pytest

from neuroeq.data.archive import read_arrays
from neuroeq.errors import SpecError
from neuroeq.runs.run import load_run
from neuroeq.runs.training import train
from tests.cli.test_cli import cli

SHORT = ["training.epochs=3", "layers.hidden.size=8"]
STILL = [*SHORT, "projections.input_hidden.learning_rate=0", "projections.hidden_output.learning_rate=0"]


@pytest.fixture
def first(tmp_path):
    return train("xor", "rate", settings=SHORT, out=tmp_path / "first", target="numpy")


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], name)


def assert_recorded_alike(one, other):
    for mine, theirs in zip(one.phases, other.phases, strict=True):
        for layer, states in mine.states.items():
            assert_same(states, theirs.states[layer])


def test_a_training_that_learns_nothing_ends_with_the_weights_it_started_from(first, tmp_path):
    again = train("xor", "rate", settings=STILL, start_from=first, seed=5, out=tmp_path / "again", target="numpy")
    assert_same(again.params, first.params)
    assert load_run(tmp_path / "again").network.run.start_from == str((tmp_path / "first").resolve())


def test_what_is_recorded_before_training_is_what_the_other_run_recorded_after_its_own(first):
    again = train("xor", "rate", settings=SHORT, start_from=first.path, keep=False, target="numpy")
    assert_recorded_alike(again.recordings()["before"], first.recordings()["after"])
    assert any((again.params[name] != value).any() for name, value in first.params.items())


def test_a_resumed_run_and_one_by_its_description_are_the_run_itself(first, tmp_path):
    def interrupt(step, _):
        if step.ends_epoch and step.epoch == 1:
            raise KeyboardInterrupt

    whole = train("xor", "rate", settings=SHORT, start_from=first, out=tmp_path / "whole", target="numpy")
    with pytest.raises(KeyboardInterrupt):
        train("xor", "rate", settings=SHORT, start_from=first, out=tmp_path / "cut", progress=interrupt)
    again = train(tmp_path / "whole" / "run.toml", out=tmp_path / "again", target="numpy")
    assert_same(again.params, whole.params)
    (tmp_path / "first").rename(tmp_path / "gone")
    resumed = train(tmp_path / "cut" / "run.toml", resume=True, out=tmp_path / "cut", target="numpy")
    assert_same(resumed.params, whole.params)
    assert_recorded_alike(resumed.recordings()["before"], whole.recordings()["before"])
    drawn = {name for name in read_arrays(first.path.parent / "gone" / "checkpoint.npz") if name.startswith("start/")}
    assert not drawn, "and a run that starts from none keeps none"


def test_weights_of_rates_start_spikes_and_crossbars_but_no_resistors(first, tmp_path):
    for substrate in ("spiking", "crossbar"):
        again = train("xor", substrate, settings=STILL, epochs=1, start_from=first, keep=False, target="numpy")
        assert_same(again.params, first.params)
    with pytest.raises(SpecError, match="was trained on substrate 'rate', whose weights mean something else on 'resis"):
        train("xor", "resistive", settings=SHORT, start_from=first, out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_an_array_of_another_shape_is_named(first, tmp_path, capsys):
    wide = ["xor", "--substrate", "rate", "--set", "layers.hidden.size=9", "--out", "wide"]
    code, _, told = cli(capsys, "run", *wide, "--start-from", str(first.path))
    assert code == 2 and "parameter 'hidden.bias' has shape (8,), and (9,) in" in told and told.count("\n") == 1
    code, _, told = cli(capsys, "run", "xor", "--start-from", "nowhere")
    assert code == 2 and "there is no such folder" in told
    memory = train("xor", "rate", settings=SHORT, keep=False, target="numpy")
    with pytest.raises(SpecError, match="start_from is a run in memory"):
        train("xor", "rate", settings=SHORT, start_from=memory, keep=False)


def test_the_command_line_takes_it(first, capsys):
    line = ["run", "xor", "--substrate", "rate", "--epochs", "1", "--target", "numpy", "--quiet", "--out", "again"]
    code, _, told = cli(capsys, *line, "--set", "layers.hidden.size=8", "--start-from", str(first.path))
    assert code == 0, told
    assert load_run("again").network.run.start_from == str(first.path.resolve())


def test_connections_that_are_left_out_here_have_no_weight(tmp_path):
    sparse = [*STILL, "projections.input_hidden.connect={probability=0.5}"]
    first = train("xor", "rate", settings=STILL, epochs=1, out=tmp_path / "first", target="numpy")
    again = train("xor", "rate", settings=sparse, epochs=1, start_from=first, keep=False, target="numpy").params
    gone = again["input_hidden"] == 0
    assert gone.any() and not gone.all()
    np.testing.assert_array_equal(again["input_hidden"][~gone], first.params["input_hidden"][~gone])
