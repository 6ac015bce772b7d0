"""A training ends early by its patience or by the user's word, and a resumed one where an uninterrupted one does."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from neuroeq.cli import main
from neuroeq.describe.catalog import resolve
from neuroeq.learning.patience import exhausted
from neuroeq.learning.trainers import choose
from neuroeq.runs.analysis import weight_history
from neuroeq.runs.training import train

SELECT = ["data.protocol=select", "training.patience=3"]
LEARNED = {"epochs": 40, "settings": SELECT}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    return train("iris", "rate", out=tmp_path_factory.mktemp("runs") / "ended", **LEARNED)


def test_training_ends_after_as_many_epochs_without_a_better_one_as_patience_says(ended):
    errors = [row["validation_error"] for row in ended.metrics]
    best = int(np.argmin(errors))
    assert len(errors) == best + 1 + 3 < 40
    assert ended.result["stopped_at"] == ended.result["epochs"] == len(errors)
    assert ended.result["updates"] == len(errors) * 10
    assert weight_history(ended)[0][-1] == len(errors)


def test_a_run_that_was_interrupted_ends_where_an_uninterrupted_one_does(ended, tmp_path):
    for at in (1, len(ended.metrics) - 2):

        def stop(step, state, at=at):
            if step.epoch == at and step.batch == 1:
                raise KeyboardInterrupt

        out = tmp_path / f"at-{at}"
        with pytest.raises(KeyboardInterrupt):
            train("iris", "rate", out=out, callback=stop, **LEARNED)
        resumed = train(out / "run.toml", out=out, resume=True)
        assert resumed.result["stopped_at"] == ended.result["stopped_at"]
        for name, value in ended.params.items():
            assert np.array_equal(value, resumed.params[name])
        for one, other in zip(weight_history(ended)[1].values(), weight_history(resumed)[1].values(), strict=True):
            assert np.array_equal(one, other)


def test_a_run_that_has_ended_early_is_not_trained_further_when_it_is_resumed(ended):
    before = ended.params
    again = train(ended.path / "run.toml", out=ended.path, resume=True)
    assert again.result["stopped_at"] == ended.result["stopped_at"] and len(again.metrics) == len(ended.metrics)
    assert all(np.array_equal(value, before[name]) for name, value in again.params.items())


@pytest.mark.parametrize(
    ("values", "patience", "ends"),
    [
        ([3, 2, 1], 2, False),
        ([3, 1, 2], 2, False),
        ([3, 1, 2, 1], 2, True),
        ([3, 1, 1, 1], 2, True),
        ([3, 1, 2, 0], 2, False),
        ([1, 2, 3, 4], None, False),
        ([1], 1, False),
    ],
)
def test_only_a_lower_value_is_better(values, patience, ends):
    for key in ("validation_error", "train_loss"):
        assert exhausted([{"train_loss": 1.0, key: value} for value in values], patience) is ends


def test_the_validation_error_counts_before_the_training_loss():
    rows = [{"train_loss": 3 - i, "validation_error": 0.1} for i in range(4)]
    assert exhausted(rows, 2)


def test_a_function_that_is_called_after_each_epoch_ends_the_training_by_true():
    seen = []

    def after(row, state):
        seen.append((row["epoch"], row["train_error"], state.epoch))
        return row["epoch"] == 3

    run = train("xor", "rate", epochs=10, keep=False, after_epoch=after)
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3]
    assert [error for _, error, _ in seen] == [row["train_error"] for row in run.metrics]
    assert run.result["stopped_at"] == 3
    assert train("xor", "rate", epochs=3, keep=False, after_epoch=after).result["stopped_at"] is None


def test_patience_and_records_leave_every_trainer_to_choose_from():
    settings = ["training.patience=3", {"record": {"class": 3}}]
    for on, name in (("resistive", "mnist_drn_1h"), ("rate", "digits")):
        plain, asked = (choose(resolve(name, on, extra), 10**7) for extra in ([], settings))
        assert plain == asked and plain.reasons


def test_the_command_line_says_where_training_stopped(capsys, tmp_path):
    words = ["--epochs", "40", "--set", "training.patience=1", "--set", "data.protocol=select", "--quiet"]
    with pytest.raises(SystemExit):
        main(["run", "iris", "--substrate", "rate", "--out", str(tmp_path / "run"), *words])
    assert "stopped at epoch" in capsys.readouterr().out


def test_progress_in_a_notebook_is_a_bar_below_the_cell(monkeypatch):
    pictures = []
    handle = SimpleNamespace(update=pictures.append)
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    module = SimpleNamespace(HTML=str, display=lambda first, display_id: pictures.append(first) or handle)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=module))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    train("xor", "rate", epochs=3, keep=False, progress=True)
    assert pictures[0] == "preparing" and 2 <= len(pictures) < 10
    assert '<progress value="3" max="3"' in pictures[-1] and "epoch 3 of 3" in pictures[-1]
    assert "train error" in pictures[-1]
