"""Odd values, folders and moments of a sweep: values of Python, folders that move, files in the way, a disk away."""

import gzip
import json
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest

import neuroeq as ne
from neuroeq.cli import live, live_sweep
from neuroeq.data import idx
from neuroeq.describe.spec import setting
from neuroeq.errors import DataError, SpecError, UnknownNameError
from neuroeq.runs.sweeps import Plan, claims, evaluate_curves, outcome, plan_sweep, read_plan, run_plan, sweep
from neuroeq.runs.sweeps.claims import Claims, Holder
from neuroeq.runs.sweeps.outcome import CELL
from neuroeq.runs.sweeps.summary import mean_and_interval
from neuroeq.runs.sweeps.values import split, text_of_value
from neuroeq.show.plots import save_sweep

ONCE = {"checked": False, "references": False, "out": "out"}


# Data.


def save_idx(folder, seed):
    """Write 12 images of 2 x 1 pixels, gzipped."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for name in idx.FILES:
        shape = (12, 2, 1) if "images" in name else (12,)
        head = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
        body = rng.integers(0, 2, shape, np.uint8).tobytes()
        (folder / f"{name}.gz").write_bytes(gzip.compress(head + body))


def test_images_in_another_folder_make_other_cells_and_the_same_ones_do_not():
    for folder, seed in (("one", 0), ("two", 1), ("same", 0)):
        save_idx(Path(folder, "dots"), seed)
    one, two, same = (
        plan_sweep("xor", ["data.name=dots"], data_dir=folder, **ONCE).once[0].folder
        for folder in ("one", "two", "same")
    )
    assert one == same != two


def test_data_that_are_not_there_are_refused_before_anything_runs():
    Path("empty", "dots").mkdir(parents=True)
    for name, error in (("dots", DataError), ("dotz", UnknownNameError)):
        with pytest.raises(error, match="dots"):
            plan_sweep("xor", [f"data.name={name}"], data_dir="empty", **ONCE)
    assert not Path("out").exists()


# Values of Python.


@pytest.mark.parametrize(
    "value",
    [
        *[True, 7, 1e-7, 1e22, float("inf"), "10 ms", 'a "b", \\ [é', np.int64(3), np.bool_(False)],
        *[[1, 2], (0.5,), np.array([1, 2]), {"a": {"b c": [1, {"d": "e, f"}]}}, {"scheme": "sign"}],
    ],
    ids=repr,
)
def test_a_value_of_python_stands_for_itself(value):
    text = text_of_value(value)
    plain = value.tolist() if hasattr(value, "tolist") else list(value) if isinstance(value, tuple) else value
    read = setting(f"key={text}")["key"]
    assert read == plain and type(read) is type(plain) and split(f"{text},2") == [text, "2"]


def test_what_is_no_value_is_refused():
    for value in (None, {1, 2}, b"1"):
        with pytest.raises(SpecError, match="is no value of a key; expected a number, true or false, text"):
            plan_sweep("xor", {"phases.beta": [value]}, **ONCE)
        with pytest.raises(SpecError, match="is no value of a key"):
            plan_sweep("xor", ["phases.beta=0.1"], settings=[{"training": {"epochs": value}}], **ONCE)


def test_settings_may_be_numbers_of_numpy():
    settings = [{"training": {"epochs": np.int64(2)}}]
    plan = plan_sweep("xor", {"phases.beta": np.array([0.1, 0.2])}, settings=settings, **ONCE)
    assert read_plan(plan.out) == plan and run_plan(plan, jobs=1).count("done") == 2


def test_the_interval_of_a_mean_is_that_of_students_t():
    """By hand: t(0.975, 2) = 4.302653, the mean of 1, 2 and 6 is 3, and their standard deviation sqrt(7)."""
    assert mean_and_interval([1, 2, 6]) == pytest.approx((3, 4.302653 * 7**0.5 / 3**0.5), rel=1e-6)
    assert mean_and_interval([1]) == (1, None) and mean_and_interval([1, None]) == (None, None)


def test_all_seeds_of_a_cell_are_counted_when_it_is_decided_whether_to_compile(monkeypatch):
    counted = []

    def train(*_, alike, **__):
        counted.append(alike)
        raise SpecError("no.")

    monkeypatch.setattr(outcome, "train", train)
    vary = ["phases.beta=0.1,0.2", "hardware.periphery.adc_bits=4,6"]
    plan = plan_sweep("xor", vary, on="rate,crossbar", seeds=3, **ONCE)
    with pytest.raises(SpecError, match="no cell could be trained"):
        run_plan(plan, jobs=1)
    assert counted == [3] * len(plan.once) == [3] * 3 * (2 + 4)


# Folders.


def test_a_sweep_of_a_network_without_a_file_goes_on_where_its_folder_was_moved():
    network = ne.changed(ne.load_network("xor"), {"training": {"epochs": 2}})
    plan = plan_sweep(network, ["phases.beta=0.1,0.2"], **ONCE)
    plan.out.rename("elsewhere")
    moved = read_plan(Path("elsewhere"))
    assert moved.cells == plan.cells and run_plan(moved, jobs=1).count("done") == 2


def test_a_network_without_a_file_has_its_data_beside_the_file_that_it_was_read_from():
    Path("far").mkdir()
    np.savez("far/own.npz", inputs=np.random.default_rng(0).random((8, 2)), labels=np.arange(8) % 2)
    Path("far/mine.toml").write_text('extends = "xor"\n[data]\nname = "own.npz"\n')
    network = ne.changed(ne.load_network("far/mine.toml"), "training.epochs=1")
    plan = plan_sweep(network, ["phases.beta=0.1"], **ONCE)
    assert run_plan(read_plan(plan.out), jobs=1).count("done") == 1


def test_curves_of_another_run_are_refused(tmp_path):
    runs = [ne.train("xor", "crossbar", epochs=1, seed=seed, out=tmp_path / str(seed)) for seed in range(2)]
    vary = ["hardware.periphery.adc_bits=4"]
    evaluate_curves(runs[0], vary, out="curves")
    before = Path("curves/curves.json").read_bytes()
    with pytest.raises(SpecError, match="--out curves: holds the curves of another run; choose another folder"):
        evaluate_curves(runs[1], vary, out="curves")
    assert Path("curves/curves.json").read_bytes() == before
    assert evaluate_curves(runs[0], ["hardware.periphery.adc_bits=8"], out="curves").count("done") == 1


def test_a_figure_that_a_sweep_does_not_have_is_named():
    found = sweep("xor", ["phases.beta=0.1"], epochs=1, jobs=1, **ONCE)
    with pytest.raises(UnknownNameError, match="no figure of a sweep 'acuracy'; did you mean 'accuracy'"):
        save_sweep(found, ["acuracy"])


def test_a_cell_that_stands_in_several_rows_is_done_where_it_comes_first():
    plan = plan_sweep("xor", ["phases.beta=0.1,0.2", "hardware.periphery.adc_bits=4,6"], on="rate,crossbar", **ONCE)
    folders = [each.folder for each in plan.cells]
    assert [each.folder for each in plan.once] == list(dict.fromkeys(folders)) and len(plan.once) < len(folders)


# Claims.


@pytest.mark.parametrize("stray", ["claims/cell/@eaDir/thumb", "claims/cell/.DS_Store", "claims/cell"])
def test_what_is_no_claim_blocks_none_and_is_none(stray):
    Path(stray).parent.mkdir(parents=True)
    Path(stray).touch()
    there = Claims(Path("claims"))
    assert there.held() == set()
    assert there.take("cell") is not None and there.take("cell") is None and there.held() == {"cell"}


def test_the_clock_of_the_file_system_is_read_once_for_many_claims_of_other_hosts(monkeypatch):
    there, read, real = Claims(Path("claims")), [], Path.touch
    for number in range(20):
        claim = there.take(f"cell{number}")
        other = Holder(**{**vars(there.holder(f"cell{number}")), "host": "elsewhere"})
        claim._path.rename(claim._path.with_name(other.name))

    def touch(path):
        if path.name.startswith(".clock"):
            read.append(path)
        real(path)

    monkeypatch.setattr(Path, "touch", touch)
    claims._ahead.cache_clear()
    for _ in range(3):
        assert len(there.held()) == 20 and there.take("cell0") is None
    assert len(read) == 1 and not read[0].exists()


def test_the_clock_of_the_file_system_counts_and_not_ours(monkeypatch):
    """Where clocks differ, a claim is as old as its heartbeat says by the clock that stamps heartbeats."""
    there, real = Claims(Path("claims")), Path.touch

    def late(path):
        real(path)
        os.utime(path, (time.time() - 3600,) * 2)

    claim = there.take("cell")
    path = claim._path.rename(claim._path.with_name(Holder("elsewhere", 1, "", 0, "token").name))
    monkeypatch.setattr(Path, "touch", late)
    claims._ahead.cache_clear()
    for age, alive in ((59, True), (61, False)):
        os.utime(path, (time.time() - 3600 - age,) * 2)
        assert there.held() == ({"cell"} if alive else set())


# Progress.


def test_the_line_of_progress_outlives_a_file_system_that_is_away(monkeypatch, capsys):
    plan = plan_sweep("xor", ["phases.beta=0.1,0.2"], **ONCE)
    real, away = Plan.outcome, []

    def outcome(self, planned):
        if planned is self.once[1] and len(away) < 3:
            away.append(planned)
            raise OSError(116, "Stale file handle")
        return real(self, planned)

    monkeypatch.setattr(Plan, "outcome", outcome)
    monkeypatch.setattr(live_sweep, "EVERY_S", 0.01)
    plan.path(plan.once[0]).mkdir(parents=True)
    (plan.path(plan.once[0]) / CELL).write_text(json.dumps({"failure": "no."}))
    with live_sweep.watch(plan, 1):
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert len(away) == 3 and lines[0].startswith("0 of 2") and lines[-1].startswith("0 of 2 cells done, 1 failed, 0")


def test_a_row_of_progress_outlives_a_file_system_that_is_away(tmp_path, monkeypatch):
    def away(*_):
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(live, "read_json", away)
    assert live.progress_of(tmp_path) == ("out of reach", "")
