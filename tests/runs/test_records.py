"""What a run writes while it trains: seldom to the disk, and nothing is lost."""

import csv
import json
import os
import subprocess
import sys
from io import StringIO

import numpy as np
import pytest

from neuroeq.errors import NeuroeqWarning, SpecError
from neuroeq.runs import session
from neuroeq.runs.records import RunFolder
from neuroeq.runs.records.table import GrowingTable, csv_text
from neuroeq.runs.training import train


@pytest.fixture
def synced(monkeypatch):
    """The files that reached the disk, each as it was then."""
    files, fsync = [], os.fsync

    def record(descriptor):
        fsync(descriptor)
        files.append(identity(os.fstat(descriptor)))

    monkeypatch.setattr(os, "fsync", record)
    return files


def identity(status):
    return status.st_ino, status.st_mtime_ns, status.st_size


def test_a_training_waits_for_the_disk_seldom_and_its_last_files_are_there(tmp_path, synced, monkeypatch):
    monkeypatch.setattr(session, "SAVE_SELDOM_S", 0.0)
    run = train("xor", epochs=40, out=tmp_path / "run")
    state = RunFolder(run.path).load()
    assert (state.epoch, state.batch) == (39, 1)
    for path in run.path.iterdir():
        if path.name != "checkpoint.former.npz":
            assert identity(path.stat()) in synced, path.name
    assert len(synced) < 12


@pytest.mark.parametrize("every", [0.0, 1000.0])
def test_the_checkpoint_before_the_newest_is_one_that_reached_the_disk(tmp_path, synced, monkeypatch, every):
    monkeypatch.setattr(session, "SAVE_SELDOM_S", 0.0)
    monkeypatch.setattr(session, "SYNC_EVERY_S", every)
    found = []

    def look(step, state):
        former, newest = (tmp_path / "run" / name for name in ("checkpoint.former.npz", "checkpoint.npz"))
        found.append((identity(former.stat()) in synced, identity(newest.stat()) in synced))

    train("xor", epochs=5, out=tmp_path / "run", callback=look)
    assert found == [(True, every == 0.0)] * 5


def test_a_damaged_checkpoint_does_not_take_the_place_of_the_one_before_it(tmp_path):
    """Not even by a save that has not reached the disk."""
    folder = RunFolder(train("xor", epochs=5, out=tmp_path / "run").path)
    newest, former = (folder.path / name for name in ("checkpoint.npz", "checkpoint.former.npz"))
    good = former.read_bytes()
    newest.write_bytes(b"garbage")
    folder = RunFolder(folder.path)
    with pytest.warns(NeuroeqWarning, match="goes on from the checkpoint before it"):
        state = folder.load(go_on=True)
    folder.save(state, sync=False)
    assert former.read_bytes() == good and newest.read_bytes() != b"garbage"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("substrate.spiking.neuron=bernoulli", "neuron 'bernoulli'"),
        ("training.prune={below = 0.05, temperature = 5}", "training.prune"),
        ("substrate.spiking.neuron=sigma_delta", None),
    ],
)
def test_a_run_with_random_numbers_of_an_earlier_version_does_not_go_on(tmp_path, setting, said):
    """It would draw other numbers; what it has learned can be read all the same."""
    folder = RunFolder(train("xor", "spiking", settings=[setting], epochs=1, out=tmp_path / "run").path)
    state = folder.load()
    state.noise = 0
    folder.save(state)
    assert folder.load().noise == 0
    if said is None:
        assert folder.load(go_on=True).epoch == state.epoch
    else:
        with pytest.raises(SpecError, match=f"{said} drew other random numbers .* train the network anew\\.$"):
            folder.load(go_on=True)


def test_what_a_training_that_ends_in_an_error_has_saved_is_on_the_disk(tmp_path, synced, monkeypatch):
    monkeypatch.setattr(session, "SAVE_SELDOM_S", 0.0)

    def fail(step, state):
        if step.epoch == 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        train("xor", epochs=40, out=tmp_path / "run", callback=fail)
    for name in ("checkpoint.npz", "metrics.csv"):
        assert identity((tmp_path / "run" / name).stat()) in synced
    assert RunFolder(tmp_path / "run").load().epoch == 3


@pytest.mark.parametrize("seldom", [0.0, 1000.0])
def test_a_training_goes_on_from_what_was_saved_last_to_the_same_end(tmp_path, monkeypatch, seldom):
    """Whether the checkpoint is that of the last epoch, or the one before the first."""
    monkeypatch.setattr(session, "SAVE_SELDOM_S", seldom)
    whole = train("xor", epochs=6, out=tmp_path / "whole")

    def fail(step, state):
        if step.epoch == 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        train("xor", epochs=6, out=tmp_path / "run", callback=fail)
    assert RunFolder(tmp_path / "run").load().epoch == (0 if seldom else 3)
    resumed = train("xor", epochs=6, out=tmp_path / "run", resume=True)
    for name, value in whole.params.items():
        np.testing.assert_array_equal(resumed.params[name], value)
    assert [row["epoch"] for row in resumed.folder.metrics()] == [1, 2, 3, 4, 5, 6]


def test_a_table_that_grows_is_the_text_of_all_its_rows():
    rows, table = [], GrowingTable()
    for number in range(6):
        rows.append({"epoch": number, "error": 0.1 * number} | ({"late, too": "x"} if number > 3 else {}))
        text = table.text(rows)
        read = list(csv.DictReader(StringIO(text)))
        assert [{key: value for key, value in row.items() if value} for row in read] == [
            {key: str(value) for key, value in row.items()} for row in rows
        ]
        assert text == csv_text(rows)
    assert table.text(rows[2:4]) == csv_text(rows[2:4])
    assert csv_text([]).strip() == ""


def test_what_plots_and_tests_is_not_imported_to_train_and_can_be_imported_afterwards(tmp_path):
    """In a process of its own, since this one has imported both."""
    code = f"""
import json, sys
import neuroeq
neuroeq.train("xor", epochs=1, out={str(tmp_path / "run")!r})
before = [name for name in ("pylab", "matplotlib", "pytest", "pint", "scipy.sparse", "pandas") if name in sys.modules]
import matplotlib, pylab, pytest
print(json.dumps(before))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout.splitlines()[-1]) == []
