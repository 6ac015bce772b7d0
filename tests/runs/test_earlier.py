"""A run is checked at earlier weights, whether its training kept them or they are found by training once more."""

import numpy as np
import pytest

from neuroeq.runs import earlier
from neuroeq.runs.checking import check_network
from neuroeq.runs.earlier import Epochs
from neuroeq.runs.sweeps.outcome import train_and_check
from neuroeq.runs.training import train


@pytest.mark.parametrize(("substrate", "hardware", "epochs"), [("rate", None, 300), ("crossbar", "pcm", 60)])
def test_weights_that_a_training_kept_give_the_report_of_training_once_more(
    tmp_path, monkeypatch, substrate, hardware, epochs
):
    kept, repeated, again = Epochs(), [], earlier.train
    run = train("xor", substrate, hardware=hardware, epochs=epochs, out=tmp_path / "run", callback=kept)
    assert len(kept.states) == epochs
    monkeypatch.setattr(earlier, "train", lambda *given, **options: repeated.append(1) or again(*given, **options))
    one, other = (check_network(run.path, samples=4, epochs=each).as_dict() for each in (kept, None))
    assert one == other and len(repeated) == 1
    assert 0 < one["epoch"] < epochs


def test_a_cell_of_a_sweep_is_not_trained_once_more(tmp_path, monkeypatch):
    def fails(*_):
        raise AssertionError("it was trained once more")

    monkeypatch.setattr(earlier, "_trained_again", fails)
    common = {"seed": 0, "data_dir": None, "target": "numpy"}
    settings = {"settings": ["training.epochs=300"]}
    found = train_and_check("xor", tmp_path / "cell", {"substrate": "rate", **settings}, common)
    assert 0 < found["gradient"]["end"]["epoch"] < 300


@pytest.mark.parametrize(
    ("on", "how"),
    [
        ("crossbar", {"hardware": "pcm", "engine": "stepper"}),
        pytest.param("rate", {"engine": "compiled"}, marks=[pytest.mark.compiled, pytest.mark.reproduction]),
        ("resistive", {}),
    ],
)
def test_weights_that_a_training_kept_are_those_that_a_shorter_one_ends_in(on, how):
    kept = Epochs()
    train("xor", on, epochs=4, keep=False, callback=kept, **how)
    short = train("xor", on, epochs=2, keep=False, **how)
    assert len(kept.states) == 4
    for name, value in short.params.items():
        np.testing.assert_array_equal(kept.states[1].params[name], value)
    assert any((kept.states[3].params[name] != value).any() for name, value in short.params.items())


def test_weights_that_take_too_much_memory_are_not_kept():
    bytes_of_one = sum(value.nbytes for value in train("xor", "rate", epochs=1, keep=False).params.values())
    for room, states in ((3, 3), (2.9, None)):
        kept = Epochs(most_bytes=room * bytes_of_one)
        train("xor", "rate", epochs=3, keep=False, callback=kept)
        assert kept.states is None if states is None else len(kept.states) == states
