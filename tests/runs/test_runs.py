"""A run is kept whole: what its folder holds, and that nothing else is written into it."""

import json
import tomllib
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuroeq.describe.catalog import resolve
from neuroeq.errors import SpecError
from neuroeq.runs.records import RunFolder
from neuroeq.runs.records.checkpoint import current
from neuroeq.runs.run import load_run
from neuroeq.runs.training import train

RESULT_KEYS = {
    "network": str,
    "substrate": str,
    "hardware": type(None),
    "seed": int,
    "precision": str,
    "epochs": int,
    "train_error": float,
    "validation_error": type(None),
    "test_error": float,
    "loss": float,
    "wall_s": float,
    "cpu_s": float,
    "compile_s": float,
    "eval_s": float,
    "samples_per_s": float,
    "gradient_cosine": type(None),
    "spikes_per_inference": float,
    "energy_per_inference_J": type(None),
    "energy_per_update_J": type(None),
    "versions": dict,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    return train("iris", "spiking", seed=3, epochs=3, out=out)


def test_the_result_has_every_field_of_the_contract(finished):
    result = json.loads((finished.path / "result.json").read_text())
    for key, kind in RESULT_KEYS.items():
        assert isinstance(result[key], kind), key
    assert (result["network"], result["substrate"], result["seed"], result["epochs"]) == ("iris", "spiking", 3, 3)
    assert 0 <= result["test_error"] <= 1 and result["spikes_per_inference"] > 0
    assert result["samples_per_s"] == pytest.approx(3 * 120 / result["wall_s"])
    assert set(result["versions"]) >= {"python", "neuroeq", "brian2", "numpy"}


def test_metrics_have_a_row_an_epoch(finished):
    rows = finished.metrics
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert {"train_error", "train_loss", "residual", "moving_hidden", "top_output", "spikes", "cpu_s"} <= set(rows[0])
    assert rows[-1]["train_error"] == finished.train_error
    assert rows[0]["cpu_s"] < rows[1]["cpu_s"] < rows[2]["cpu_s"]


def test_traces_hold_spikes_states_and_weights_with_units(finished):
    with h5py.File(finished.path / "traces.h5") as file:
        weights = file["weights"]
        assert weights["at"].attrs["unit"] == "epoch" and weights["at"][0] == 0 and weights["at"][-1] == 3
        assert weights["input_hidden"].shape == (len(weights["at"]), 16)
        for when in ("before", "after"):
            phases = file[f"probe/{when}"]
            assert [phases[i].attrs["name"] for i in "012"] == ["free", "nudged +0.15", "nudged -0.15"]
            free, nudged = phases["0"], phases["1"]
            assert free["t"].attrs["unit"] == "s" and np.allclose(free["t"][:], np.arange(1, 121) * 1e-3)
            assert free["states/hidden/s"].shape == (120, 2, 32) and free["states/hidden/s"].attrs["unit"] == "1"
            assert free["spikes/hidden/t"].attrs["unit"] == "s" and len(free["spikes/hidden/t"]) > 10
            assert nudged["t"][0] == pytest.approx(0.121) == phases["2"]["t"][0]
            assert nudged["change/hidden_output"].shape[0] == 60
            assert nudged["change/hidden_output"].attrs["synapses"].shape[1] == 2


def test_states_in_volts_say_so():
    run = train("xor", "spiking", epochs=1, settings=["substrate.spiking.neuron=lif"])
    with h5py.File(run.path / "traces.h5") as file:
        v = file["probe/after/0/states/hidden/v"]
        assert v.attrs["unit"] == "V" and -0.1 < v[:].min() < -0.05


def test_the_description_runs_again_to_the_same_bits(finished, tmp_path):
    again = train(finished.path / "run.toml", out=tmp_path / "again")
    assert again.result["seed"] == 3
    assert same_weights(finished.path, again.path)


def test_a_description_stands_alone(finished):
    table = tomllib.loads((finished.path / "run.toml").read_text())
    assert "ds/dt" in table["substrate"]["spiking"]["neuron"]["equations"]
    assert "hebb" in table["substrate"]["spiking"]["synapse"]["equations"]
    assert set(table["substrate"]) == {"spiking"}


def test_a_finished_run_opens_again(finished):
    run = load_run(finished.path)
    assert run.test_error == finished.test_error and run.network.name == "iris"


def test_nothing_is_left_beside_the_files(finished):
    names = {path.name for path in finished.path.iterdir()}
    assert names == {"run.toml", "metrics.csv", "checkpoint.npz", "checkpoint.former.npz", "result.json", "traces.h5"}


def test_a_new_run_does_not_write_into_an_old_one(finished):
    with pytest.raises(SpecError, match=r"is not empty; choose another folder, or resume that run with --resume"):
        train("iris", "spiking", out=finished.path)
    one, two = (train("xor", "rate", epochs=1).path for _ in range(2))
    assert (one, two) == (Path("runs/xor-rate-seed0"), Path("runs/xor-rate-seed0-2"))


def test_a_run_is_not_resumed_under_other_settings(finished):
    for change, match in (
        ({"settings": ["phases.beta=0.4"]}, r"has other settings in 'phases'"),
        ({"seed": 4}, r"has other settings in 'run'"),
        ({"epochs": 9}, r"has other settings in 'training'"),
    ):
        with pytest.raises(SpecError, match=match):
            train("iris", "spiking", **{"seed": 3, "epochs": 3, **change}, out=finished.path, resume=True)
    with pytest.raises(SpecError, match=r"--resume: no run with a checkpoint in 'nowhere'"):
        train("iris", "spiking", out="nowhere", resume=True)


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    (tmp_path / "run.toml").write_text("the old one")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        folder.describe(resolve("xor", "rate"))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("run.toml", "the old one")]


def same_weights(one, two):
    states = [RunFolder(Path(path)).load() for path in (one, two)]
    assert states[0].params.keys() == states[1].params.keys()
    return all(np.array_equal(states[0].params[name], states[1].params[name]) for name in states[0].params)


@pytest.mark.parametrize(("engine", "trainer"), [("compiled", "compiled"), (None, None)])
def test_a_checkpoint_that_names_an_engine_is_read_as_one_that_names_a_trainer(engine, trainer):
    """Those of version 0.1 looked at the free phase of every example that they counted."""
    place = current({"engine": engine, "tally": {"examples": 7}})
    assert place["trainer"] == trainer and place["tally"]["looked_at"] == 7


def test_a_checkpoint_that_counted_wrong_classes_goes_on_counting():
    assert current({"tally": {"examples": 7, "wrong": 2}})["tally"] == {"examples": 7, "looked_at": 7, "misses": [2]}
