"""A sweep is one command: a grid of cells, each in a run folder named by its content, one table, nothing lost."""

import csv
import json
import os
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import neuroeq as ne
from neuroeq.cli import live_sweep
from neuroeq.errors import SpecError
from neuroeq.runs.records.files import FolderHeldError
from neuroeq.runs.sweeps import Drawn, open_sweep, plan_sweep, read_plan, run_plan, sweep, working
from neuroeq.runs.sweeps.claims import Claim, ClaimLostError, Claims, Holder
from neuroeq.runs.sweeps.grid import factors_of, points_of
from neuroeq.runs.sweeps.outcome import CELL
from neuroeq.runs.sweeps.plan import Shared
from neuroeq.runs.sweeps.values import as_numbers, key_and_values
from tests.cli.test_cli import cli

SMALL = {"epochs": 2, "jobs": 1, "checked": False, "references": False}
FAST = ["--epochs", "2", "--jobs", "1", "--no-check", "--no-reference"]


@pytest.fixture(scope="module")
def swept(once):
    """Two keys on two substrates, and the unvaried network."""

    def fill(folder):
        sweep(
            "xor",
            ["phases.beta=0.05,0.2", "hardware.periphery.adc_bits=4,8"],
            on=["rate", "crossbar:ideal"],
            seeds=1,
            epochs=2,
            jobs=1,
            out=folder / "out",
        )

    return open_sweep(once("swept", fill) / "out")


def rows_of(path):
    with (path / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# The grid.


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=1, 2", ["1", "2"]),
        ("a='1 s, 2', \"3,4\"", ["'1 s, 2'", '"3,4"']),
        ("a={b=[1,2]},3", ["{b=[1,2]}", "3"]),
        ("a=2,4,...,16", ["2", "4", "8", "16"]),
        ("a=2,4,6,...,10", ["2", "4", "6", "8", "10"]),
        ("a=0,5,...,15", ["0", "5", "10", "15"]),
        ("a=0.1,0.2,...,0.5", ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        ("a=8,4,...,1", ["8", "4", "2", "1"]),
    ],
)
def test_values_are_listed_with_commas_and_progressions_with_dots(text, values):
    assert key_and_values(text, "--vary")[1] == values


@pytest.mark.parametrize("text", ["a=1,...,8", "a=1,2,...,8,9", "a=2,5,...,9", "a=b,c,...,d", "a=1,1,...,3"])
def test_a_progression_that_leads_nowhere_is_refused(text):
    with pytest.raises(SpecError, match=r"--vary a="):
        key_and_values(text, "--vary")


def test_a_grid_is_the_product_of_its_factors_and_keys_in_step_are_one():
    factors = factors_of(["a=1,2"], ["b=3,4,5", "c=x,y,z"])
    points = points_of(factors)
    assert [factor.name for factor in factors] == ["a", "zip"] and len(points) == 6
    assert points[1] == {"a": "1", "b": "4", "c": "y"}


def test_random_points_are_in_their_ranges_and_more_of_them_begin_with_the_same_ones():
    ranges = {"log": ["phases.beta=0.01,1"], "uniform": ["training.batch_size=2,8", "t=1 s,1 h"]}
    few, many = (points_of(factors_of(drawn=Drawn(n, 3, **ranges))) for n in (20, 40))
    assert many[:20] == few
    beta = [float(point["phases.beta"]) for point in many]
    assert 0.01 <= min(beta) < 0.05 and 0.3 < max(beta) <= 1 and len(set(beta)) == 40
    assert {point["training.batch_size"] for point in many} == set(map(str, range(2, 9)))
    assert all(1 <= seconds <= 3600 for seconds in as_numbers([point["t"] for point in many])[0])
    assert points_of(factors_of(drawn=Drawn(20, 4, **ranges))) != few


def test_sets_are_the_rows_of_a_file_and_an_empty_entry_leaves_its_key_alone():
    Path("sets.csv").write_text("phases.beta,training.batch_size\n0.1,2\n0.2,\n")
    (factor,) = factors_of(sets="sets.csv")
    assert factor.points == ({"phases.beta": "0.1", "training.batch_size": "2"}, {"phases.beta": "0.2"})


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ([], "nothing is varied; give --vary KEY=V1,V2"),
        (["--vary", "phases.beta="], "--vary phases.beta=: has no values"),
        (["--vary", "phases.beta=0.1,0.10"], "the value 0.10 is given twice"),
        (["--vary", "phases.betta=0.1"], "no key 'phases.betta'; did you mean 'phases.beta'?"),
        (["--vary", "phases.beta=0.1,-1"], "cell 2 of 2 (rate, phases.beta=-1): --set phases.beta: phases.beta is -1"),
        (["--vary", "phases.beta=1", "--zip", "phases.beta=2"], "'phases.beta' is varied twice"),
        (["--zip", "phases.beta=1,2", "--zip", "training.batch_size=1"], "need as many values each"),
        (["--vary", "run.seed=1,2"], "--seeds gives the number of seeds"),
        (["--vary", "hardware.periphery.adc_bits=4,6"], "is varied, but rate has no hardware"),
        (["--sample", "3"], "--sample: expected at least 1 cell, and --log KEY=LOW,HIGH"),
        (["--log", "phases.beta=0.1,1"], "give ranges for --sample N"),
        (["--sample", "3", "--log", "phases.beta=0,1"], "expected LOW,HIGH, two numbers above 0 in that order"),
        (
            ["--sample", "3", "--uniform", f"training.batch_size=1,{'9' * 400}"],
            "expected LOW,HIGH, two numbers in that",
        ),
        (["--sample", "3", "--uniform", "phases.beta=-1e308,1e308"], "expected LOW,HIGH, two numbers in that order"),
        (["--sample", "3", "--log", "phases.beta=1e-300,1e300"], "expected LOW,HIGH, two numbers above 0 in that"),
        (
            ["--vary", "substrate=rate,spiking"],
            "--set substrate: is 'rate', but substrate is a table; change keys of it",
        ),
        (["--sets", "none.csv"], "--sets none.csv: cannot be read as CSV (No such file or directory)"),
        (["--sets", "empty.csv"], "--sets empty.csv: has no values"),
        (["--sets", "wide.csv"], "--sets wide.csv: line 2 has more entries than there are keys"),
        (["--vary", "phases.beta=0.1", "--on", "rate,spiky"], "no substrate 'spiky'; did you mean 'spiking'?"),
        (["--vary", "phases.beta=0.1", "--cluster", "pbs"], "no cluster 'pbs'. --cluster takes: slurm, local."),
        (["--vary", "phases.beta=0.1", "--slurm", "mem_gb=1"], "--slurm: gives options to --cluster slurm"),
        (["--vary", "phases.beta=0.1", "--cluster", "slurm", "--slurm", "timeout=9"], "--slurm timeout is '9'"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_runs(command, sentence, capsys):
    Path("empty.csv").write_text("phases.beta\n")
    Path("wide.csv").write_text("phases.beta\n1,2\n")
    status, out, err = cli(capsys, "sweep", "xor", *command, "--out", "out")
    assert (status, out) == (2, "") and sentence in err and err.count("\n") == 1
    assert not Path("out").exists()


def test_cell_37_of_48_is_named_before_the_first_is_trained(capsys):
    vary = ["--vary", "phases.beta=0.1,0.2,0.3,-1", "--vary", "training.batch_size=1,2,4", "--seeds", "4"]
    status, _, err = cli(capsys, "sweep", "xor", *vary, "--out", "out")
    assert status == 2 and "cell 37 of 48 (rate, phases.beta=-1, training.batch_size=1)" in err
    assert not Path("out").exists()


# The table.


def test_a_row_holds_the_keys_by_their_full_names_and_what_the_run_says(swept):
    rows = rows_of(swept.path)
    assert list(rows[0])[:9] == [
        *["phases.beta", "hardware.periphery.adc_bits", "cell", "substrate", "hardware", "seed", "status", "message"],
        "test_error",
    ]
    assert len(rows) == len(swept) == 2 * 2 * 2 == swept.count("done")
    for row in rows:
        result = json.loads((swept.path / row["folder"] / "result.json").read_text())
        assert (result["substrate"], result["seed"]) == (row["substrate"], int(row["seed"]))
        assert float(row["test_error"]) == result["test_error"] and float(row["cpu_s"]) == result["cpu_s"]
        network = ne.load_run(swept.path / row["folder"]).network
        assert network.phases.beta == float(row["phases.beta"])
        if row["hardware"]:
            assert network.technology.periphery.adc_bits == int(row["hardware.periphery.adc_bits"])
            assert float(row["energy_per_inference_J"]) == result["energy_per_inference_J"]
    exact = (swept["substrate"] == "rate") & (swept["phases.beta"] == 0.05)
    assert min(swept["gradient_cosine"][exact]) > 0.999 and min(swept["gradient_cosine_start"][exact]) > 0.999


def test_a_cell_that_a_key_does_not_touch_is_trained_once_and_stands_in_every_row(swept):
    folders = [row["folder"] for row in swept.rows if row["cell"] == "rate"]
    assert len(folders) == 4 and len(set(folders)) == 2
    assert len(list((swept.path / "cells").iterdir())) == 2 + 4 + len({r["folder"] for r in swept.references})


def test_the_unvaried_network_is_trained_too_and_is_no_row(swept):
    assert [(row["cell"], row["seed"]) for row in swept.references] == [("rate", 0), ("crossbar", 0)]
    assert all(row["phases.beta"] is None for row in swept.references)
    assert ne.load_run(swept.path / swept.references[0]["folder"]).network.phases.beta == 0.1


def test_the_table_is_a_structured_array_and_columns_have_the_type_of_their_values(swept):
    table = swept.table
    assert table.shape == (8,) and table.dtype["phases.beta"].kind == "f" and table.dtype["seed"].kind == "i"
    assert set(table["hardware.periphery.adc_bits"]) == {4, 8}
    assert np.isnan(table["energy_per_inference_J"][table["substrate"] == "rate"]).all()
    assert (swept["status"] == "done").all()
    with pytest.raises(KeyError, match="no column 'loss_'"):
        swept["loss_"]
    with pytest.raises(SpecError, match="is no folder of a sweep"):
        ne.open_sweep(swept.path / "cells")


def test_the_same_command_does_nothing_again_and_another_grid_keeps_what_it_shares(capsys):
    command = ["sweep", "xor", *FAST, "--out", "out", "--json"]
    status, first, _ = cli(capsys, *command, "--vary", "phases.beta=0.1,0.2")
    before = {path: path.stat().st_mtime_ns for path in Path("out/cells").glob("*/*")}
    assert status == 0 and len({path.parent for path in before}) == 2
    assert json.loads(cli(capsys, *command, "--vary", "phases.beta=0.1,0.2")[1]) == json.loads(first)
    status, other, _ = cli(capsys, *command, "--vary", "phases.beta=0.2,0.3,0.10")
    found = json.loads(other)
    assert [row["phases.beta"] for row in found["rows"]] == [0.2, 0.3, 0.1] and found["done"] == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list(Path("out/cells").iterdir())) == 3


def test_a_cell_that_fails_is_a_row_with_its_sentence(monkeypatch):
    real = working.train_and_check

    def fails(network, path, options, common, *rest):
        if "phases.beta=0.2" in options["settings"]:
            raise RuntimeError("a bug")
        if "phases.beta=0.3" in options["settings"]:
            raise SpecError("it diverged.")
        return real(network, path, options, common, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(working, "train_and_check", fails)
        found = sweep("xor", ["phases.beta=0.1,0.2,0.3"], out="out", **SMALL)
    assert list(found["status"]) == ["done", "failed", "failed"]
    assert list(found["message"]) == ["", "RuntimeError: a bug", "it diverged."]
    assert sweep("xor", ["phases.beta=0.1,0.2,0.3"], out="out", **SMALL).count("failed") == 2
    assert sweep("xor", ["phases.beta=0.1,0.2,0.3"], out="out", retry=True, **SMALL).count("done") == 3


def test_where_every_cell_fails_that_is_said(capsys, monkeypatch):
    def fails(*_):
        raise SpecError("it diverged.")

    monkeypatch.setattr(working, "train_and_check", fails)
    status, _, err = cli(capsys, "sweep", "xor", "--vary", "phases.beta=0.1,0.2", *FAST, "--out", "out")
    assert status == 2 and err.startswith("neuroeq: no cell could be trained, and only --retry tries them again;")
    assert err.endswith("because: it diverged.\n")


def test_a_full_disk_stops_the_sweep_and_what_was_done_is_kept(capsys, monkeypatch):
    real, done = working.train_and_check, []

    def fills(network, path, *rest):
        if done:
            raise OSError(28, "No space left on device", str(path))
        done.append(path)
        return real(network, path, *rest)

    command = ["sweep", "xor", "--vary", "phases.beta=0.1,0.2,0.3", *FAST, "--out", "out"]
    with monkeypatch.context() as patch:
        patch.setattr(working, "train_and_check", fills)
        status, _, err = cli(capsys, *command)
    assert status == 1 and "no space left on device; make room and give the command again." in err
    assert list(open_sweep("out")["status"]) == ["done", "waiting", "waiting"]
    before = (done[0] / "result.json").stat().st_mtime_ns
    assert cli(capsys, *command)[0] == 0 and open_sweep("out").count("done") == 3
    assert (done[0] / "result.json").stat().st_mtime_ns == before


def test_the_machinery_takes_less_than_100_ms_of_a_cell(monkeypatch):
    def nothing(network, path, *_):
        path.mkdir(parents=True)
        (path / "result.json").write_text("{}")
        return {"gradient": None}

    monkeypatch.setattr(working, "train_and_check", nothing)
    before = time.process_time()
    found = sweep("xor", ["phases.beta=0.01,0.02,...,0.5"], out="out", **SMALL)
    assert found.count("done") == 50 and time.process_time() - before < 50 * 0.1


# Plans.


def test_a_plan_trains_nothing_and_any_process_can_do_one_of_its_cells(capsys):
    command = ["sweep", "xor", "--vary", "phases.beta=0.1,0.2", *FAST, "--out", "out"]
    status, out, _ = cli(capsys, *command, "--plan")
    assert status == 0 and "2 cells" in out and "--array=0-1" in out and not Path("out/cells").exists()
    status, out, _ = cli(capsys, "sweep", "cell", "out/plan.json", "1", "--json")
    assert status == 0 and json.loads(out)["phases.beta"] == 0.2
    assert list(open_sweep("out")["status"]) == ["waiting", "done"]
    assert cli(capsys, "sweep", "cell", "out", "0")[0] == 0
    assert cli(capsys, *command)[0] == 0 and len(rows_of(Path("out"))) == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda plan: {**plan, "schema": 2}, "is a plan of version 2, and this is neuroeq"),
        (lambda plan: {}, "is no plan of a sweep"),
        (lambda plan: {"schema": 1}, "is damaged"),
    ],
)
def test_a_plan_that_cannot_be_used_is_one_sentence_and_stays(change, sentence, capsys):
    plan = plan_sweep("xor", ["phases.beta=0.1,0.2"], out="out")
    (plan.out / "plan.json").write_text(json.dumps(change(json.loads((plan.out / "plan.json").read_text()))))
    before = (plan.out / "plan.json").read_text()
    for command in (["cell", "out/plan.json", "0"], ["xor", "--vary", "phases.beta=0.1", "--out", "out"]):
        status, _, err = cli(capsys, "sweep", *command)
        assert status == 2 and sentence in err and err.count("\n") == 1
    assert (plan.out / "plan.json").read_text() == before and not Path("out/cells").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["out"], "Missing argument 'index'"),
        (["out", "2"], "expected 0 to 1"),
        (["out", "²"], "Invalid value for 'index'"),
        (["out", "0", "--epochs", "3"], "No such option: --epochs"),
        (["out", "0", "--vary", "phases.beta=1"], "No such option: --vary"),
    ],
)
def test_a_cell_that_is_not_in_the_plan_is_refused(arguments, sentence, capsys):
    plan_sweep("xor", ["phases.beta=0.1,0.2"], out="out", references=False)
    status, _, err = cli(capsys, "sweep", "cell", *arguments)
    assert status == 2 and sentence in err and err.count("\n") == 1


def test_a_plan_whose_network_has_changed_since_is_refused(capsys, monkeypatch):
    """The files are looked at once."""
    Path("mine.toml").write_text('extends = "xor"\n')
    plan = plan_sweep("mine.toml", ["phases.beta=0.1,0.2"], out="out")
    Path("mine.toml").write_text('extends = "xor"\n[training]\nepochs = 7\n')
    looks, real = [], Shared.digest
    monkeypatch.setattr(Shared, "digest", lambda self, *rest: looks.append(1) or real(self, *rest))
    status, _, err = cli(capsys, "sweep", "cell", str(plan.out), "0")
    assert status == 2 and re.search(r"cell rate-.*-seed0 is another one by now", err) and len(looks) == 1


def test_a_folder_with_the_sweep_of_another_network_is_refused():
    plan_sweep("xor", ["phases.beta=0.1"], out="out")
    with pytest.raises(SpecError, match="holds a sweep of network 'xor'"):
        plan_sweep("and", ["phases.beta=0.1"], out="out")


def test_a_network_of_tables_and_values_of_python_can_be_swept():
    network = ne.changed(ne.load_network("xor"), {"training": {"epochs": 2}})
    options = {"jobs": 1, "checked": False, "references": False, "out": "out"}
    found = sweep(network, {"phases.beta": [0.1, 0.2], "phases.nudged.duration": ["50 ms"]}, **options)
    assert found.count("done") == 2 and list(found["phases.nudged.duration"]) == ["50 ms"] * 2
    assert ne.load_run(found.path / found.rows[0]["folder"]).result["epochs"] == 2
    assert open_sweep("out").rows == found.rows


# Progress.


def test_where_there_is_no_terminal_a_line_tells_of_the_progress(swept, monkeypatch, capsys):
    plan = read_plan(swept.path)
    monkeypatch.setattr(live_sweep, "EVERY_S", 0.01)
    with live_sweep.watch(plan, 1):
        time.sleep(0.1)
    assert capsys.readouterr().err.startswith("8 of 8 cells done, 0 running, time left 0 s\n")


def test_the_time_left_is_that_of_the_cells_since_the_start(monkeypatch):
    plan = plan_sweep("xor", ["phases.beta=0.1,0.2,0.3"], epochs=1, checked=False, references=False, out="out")
    clock = [0.0]
    monkeypatch.setattr(live_sweep.time, "monotonic", lambda: clock[0])
    tally = live_sweep.Tally(plan)
    assert tally.line == "0 of 3 cells done, 0 running, time left unknown"
    for planned, record in zip(plan.once, ({"failure": "no."}, {}), strict=False):
        plan.path(planned).mkdir(parents=True)
        (plan.path(planned) / CELL).write_text(json.dumps(record))
    plan.claims.take(plan.once[1].folder)
    clock[0] = 3000.0
    tally.look()
    assert tally.line == "0 of 3 cells done, 1 failed, 1 running, time left 1 h 40 min"


# Claims.


def test_one_of_many_takers_gets_a_cell_and_the_next_after_it_has_let_go(tmp_path):
    claims = Claims(tmp_path / "claims")
    for _ in range(5):
        taken, ready = [], threading.Barrier(8)

        def take(taken=taken, ready=ready):
            ready.wait()
            taken.append(claims.take("cell"))

        threads = [threading.Thread(target=take) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (claim,) = [each for each in taken if each is not None]
        assert claims.take("cell") is None and claims.held() == {"cell"}
        with claim.kept():
            claim.check()
        assert claims.held() == set() and os.listdir(tmp_path / "claims") == []


def dead_claim(claims, cell="cell", deaths=0, **changes):
    """Leave the claim of a process that has ended, on this host or another one."""
    claim = claims.take(cell)
    who = claims.holder(cell)
    other = Holder(**{**vars(who), "pid": 2**22 + 7, "deaths": deaths, "token": "dead", **changes})
    return claim._path.rename(claim._path.with_name(other.name))


@pytest.mark.parametrize("changes", [{}, {"pid": os.getpid(), "start": "1"}])
def test_the_claim_of_a_process_that_has_ended_here_is_taken_over_by_one(tmp_path, changes):
    """Also if another process has its number by now."""
    claims = Claims(tmp_path / "claims")
    dead_claim(claims, **changes)
    assert claims.held() == set()
    claim = claims.take("cell")
    assert claim.deaths == 1 and claims.take("cell") is None


def test_a_claim_elsewhere_is_taken_over_once_it_is_silent_and_its_holder_notices(tmp_path):
    claims = Claims(tmp_path / "claims")
    path = dead_claim(claims, host="elsewhere", pid=1)
    theirs = Claim(path, 0)
    assert claims.take("cell") is None and claims.held() == {"cell"}
    os.utime(path, (time.time() - 59,) * 2)
    assert claims.take("cell") is None
    os.utime(path, (time.time() - 61,) * 2)
    theirs.check()
    assert claims.take("cell").deaths == 1
    with pytest.raises(ClaimLostError):
        theirs.check()
    with theirs.kept():
        pass
    assert claims.held() == {"cell"}, "who lost a claim must not remove that of the next"


def test_a_claim_shows_heartbeats(tmp_path):
    claims = Claims(tmp_path / "claims", beat_s=0.01)
    claim = claims.take("cell")
    os.utime(claim._path, (0, 0))
    with claim.kept():
        deadline = time.monotonic() + 5
        while claim._path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert claim._path.stat().st_mtime > 0


def test_a_worker_that_has_lost_its_claim_stops_before_it_writes(monkeypatch):
    plan = plan_sweep("xor", ["phases.beta=0.1"], epochs=4, checked=False, references=False, out="out")
    (planned,) = plan.once
    written, real = [], Claim.check

    def lost(self):
        written.append(sorted(path.name for path in plan.path(planned).glob("[!.]*")))
        if len(written) == 4:
            self._path.unlink()
        real(self)

    with monkeypatch.context() as patch:
        patch.setattr(Claim, "check", lost)
        assert not working.do(plan, planned)
    after = sorted(path.name for path in plan.path(planned).glob("[!.]*"))
    assert after == written[-1] and "result.json" not in after and CELL not in after
    assert run_plan(plan, jobs=1).count("done") == 1


def test_a_folder_that_another_process_writes_into_is_left_for_later_and_has_not_failed(monkeypatch):
    plan = plan_sweep("xor", ["phases.beta=0.1"], epochs=2, checked=False, references=False, out="out")

    def held(*_):
        raise FolderHeldError("held")

    monkeypatch.setattr(working, "train_and_check", held)
    assert not working.do(plan, plan.once[0])
    assert plan.outcome(plan.once[0]) is None and plan.claims.held() == set()


def test_a_cell_that_kills_its_processes_again_and_again_has_failed():
    plan = plan_sweep("xor", ["phases.beta=0.1"], epochs=2, checked=False, references=False, out="out")
    (planned,) = plan.once
    dead_claim(plan.claims, planned.folder, deaths=working.DEATHS - 1)
    assert working.do(plan, planned)
    assert plan.outcome(planned)["failure"] == "5 processes that did this cell were killed."


def test_a_death_after_a_checkpoint_is_not_counted(tmp_path):
    """Jobs that reach their time limit again and again have not failed as long as they go on."""
    claims, progress = Claims(tmp_path / "claims"), tmp_path / "checkpoint.npz"
    for written, deaths in ((False, 4), (True, 0)):
        dead_claim(claims, deaths=3)
        progress.touch()
        os.utime(progress, (time.time() + (60 if written else -60),) * 2)
        claim = claims.take("cell", progress)
        assert claim.deaths == deaths
        with claim.kept():
            pass
