"""Sweeps as Datasets, and curves of trained weights."""

import json
from pathlib import Path

import numpy as np
import pytest

import neuroeq as ne
from neuroeq.errors import SpecError
from neuroeq.runs import transfer
from neuroeq.runs.sweeps import curves, evaluate_curves, open_sweep, sweep
from tests.cli.test_cli import cli


@pytest.fixture(scope="module")
def trained(once):
    folder = once("trained", lambda place: ne.train("xor", "rate", epochs=60, out=place / "run"))
    return ne.load_run(folder / "run")


def test_a_dataset_has_the_dimensions_of_the_grid_and_is_kept_as_netcdf():
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    vary = {"phases.beta": [0.1, 0.2], "phases.nudged.duration": ["50 ms", "0.1 s"]}
    options = {"checked": False, "references": False, "jobs": 1, "epochs": 1}
    found = sweep("xor", vary, seeds=2, **options, out="out")
    data = found.dataset()
    assert dict(data.sizes) == {"phases.beta": 2, "phases.nudged.duration": 2, "cell": 1, "seed": 2}
    np.testing.assert_array_equal(data["phases.nudged.duration"], [0.05, 0.1])
    assert data["phases.nudged.duration"].attrs == {"units": "s"} and data["cpu_s"].attrs == {"units": "s"}
    for row in found.rows:
        at = {"phases.beta": row["phases.beta"], "cell": row["cell"], "seed": row["seed"]}
        at["phases.nudged.duration"] = {"50 ms": 0.05, "0.1 s": 0.1}[row["phases.nudged.duration"]]
        assert data["loss"].sel(at) == row["loss"]
    with xarray.open_dataset("out/sweep.nc", engine="h5netcdf") as kept:
        assert kept.equals(data) and kept.attrs == {"network": "xor", "title": "Exclusive or, 2-16-2"}
    step = sweep("xor", zipped={"phases.beta": [0.1, 0.2], "training.batch_size": [2, 4]}, **options, out="step")
    together = step.dataset(save=False)
    assert dict(together.sizes) == {"zip": 2, "cell": 1, "seed": 1} and not Path("step/sweep.nc").exists()
    np.testing.assert_array_equal(together["training.batch_size"], [2, 4])
    assert together["training.batch_size"].dims == ("zip",)


def test_curves_of_trained_weights_are_what_each_evaluation_gives(trained, monkeypatch):
    options = {"hardware": "pcm", "draws": 3, "seed": 2, "out": "out"}
    found = evaluate_curves(trained, ["hardware.synapse.levels=2,4,...,8"], "crossbar", **options)
    assert found.keys == ["hardware.synapse.levels"] and len(found) == 9
    for levels in (2, 4, 8):
        alone = ne.evaluate_run(
            trained, "crossbar", hardware="pcm", draws=3, seed=2, settings=[f"hardware.synapse.levels={levels}"]
        )
        rows = [row for row in found.rows if row["hardware.synapse.levels"] == levels]
        assert tuple(row["test_error"] for row in rows) == alone.spreads[0].errors
        assert [row["seed"] for row in rows] == list(alone.draws)
        assert rows[0]["energy_per_inference_J"] == alone.as_dict()["energy_per_inference_J"]
    opened = open_sweep("out")
    assert opened.rows == found.rows and opened.references[0]["test_error"] == trained.test_error
    monkeypatch.setattr(curves, "evaluate_run", lambda *_, **__: pytest.fail("evaluated again"))
    assert evaluate_curves(trained, ["hardware.synapse.levels=2,8"], "crossbar", **options).count("done") == 6


def test_times_after_programming_are_one_more_dimension(trained):
    vary = ["hardware.array.drift_compensation=none,global"]
    found = evaluate_curves(trained, vary, "crossbar", hardware="pcm", at=["1 s", "1 year"], out="out")
    assert found.sizes == (2, 2) and found.keys == ["hardware.array.drift_compensation", "at"]
    assert [row["at"] for row in found.rows] == ["1 s", "1 year"] * 2


def test_curves_on_the_command_line(trained, capsys):
    vary = ["--substrate", "crossbar", "--hardware", "ideal", "--vary", "hardware.periphery.adc_bits=4,8", "--quiet"]
    status, out, _ = cli(capsys, "eval", str(trained.path), *vary, "--json", "--out", "out")
    assert status == 0 and [row["hardware.periphery.adc_bits"] for row in json.loads(out)["rows"]] == [4, 8]
    assert cli(capsys, "plot", "out")[0] == 0 and Path("out/figures/accuracy.svg").exists()
    status, _, err = cli(capsys, "eval", str(trained.path), *vary[:-3], "--vary", "hardware.periphery.adc_bits=4,-8")
    assert status == 2 and "point 2 of 2 (hardware.periphery.adc_bits=-8)" in err
    status, _, err = cli(capsys, "eval", str(trained.path), "--out", "out")
    assert status == 2 and "--out: is the folder of curves" in err


def test_a_point_that_cannot_be_evaluated_is_a_row_with_its_sentence(trained, monkeypatch):
    real = transfer.evaluate_run

    def fails(run, substrate, *, settings, **options):
        if settings == ["hardware.periphery.adc_bits=8"]:
            raise SpecError("it does not fit.")
        return real(run, substrate, settings=settings, **options)

    monkeypatch.setattr(curves, "evaluate_run", fails)
    found = evaluate_curves(trained, ["hardware.periphery.adc_bits=4,8"], "crossbar", hardware="ideal", out="out")
    assert list(found["status"]) == ["done", "failed"] and found.rows[1]["message"] == "it does not fit."
