"""What a cell of a sweep is made of, and what comes of odd words, paths and processes."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from neuroeq.errors import DataError, SpecError
from neuroeq.runs.records import RunFolder
from neuroeq.runs.records.files import atomic, is_draft
from neuroeq.runs.sweeps import (
    claims,
    curves,
    evaluate_curves,
    open_sweep,
    plan_sweep,
    read_plan,
    sweep,
    workers,
    working,
)
from neuroeq.runs.sweeps.grid import Drawn, factors_of
from neuroeq.runs.sweeps.values import as_numbers, key_and_values, value_of
from neuroeq.runs.training import train
from neuroeq.show.plots import save_sweep
from tests.cli.test_cli import cli

SMALL = {"epochs": 2, "jobs": 1, "checked": False, "references": False}


def save_data(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    np.savez(path, x=rng.random((8, 2)), y=np.arange(8) % 2)


def test_other_data_of_the_same_name_make_other_cells():
    for seed, folder in enumerate(("one", "two")):
        save_data(Path(folder, "data.npz"), seed)
    keys = ["data.name=one/data.npz,two/data.npz"]
    first = plan_sweep("xor", keys, references=False, out="out").once
    assert len(first) == 2
    save_data(Path("two", "data.npz"), 7)
    second = plan_sweep("xor", keys, references=False, out="out").once
    assert [one == two for one, two in zip(first, second, strict=True)] == [True, False]


def test_a_cell_whose_network_changes_before_it_is_done_has_failed_and_says_so():
    Path("mine.toml").write_text('extends = "xor"\n')
    plan = plan_sweep("mine.toml", ["phases.beta=0.1"], epochs=2, checked=False, references=False, out="out")
    Path("mine.toml").write_text('extends = "xor"\n[training]\nbatch_size = 2\n')
    plan = read_plan(plan.out)
    working.work_through(plan)
    assert "is another one by now" in plan.outcome(plan.cells[0])["failure"]


def test_a_point_that_could_not_be_evaluated_is_tried_again(tmp_path, monkeypatch):
    run = train("xor", "crossbar", epochs=1, out=tmp_path / "run")

    def missing(*_, **__):
        raise DataError("the data are away")

    with monkeypatch.context() as away:
        away.setattr(curves, "evaluate_run", missing)
        with pytest.raises(SpecError, match="the data are away"):
            evaluate_curves(run, ["hardware.periphery.adc_bits=4"])
    assert evaluate_curves(run, ["hardware.periphery.adc_bits=4"]).count("done") == 1


def test_curves_do_not_take_the_folder_of_a_run(tmp_path):
    run = train("xor", "crossbar", epochs=1, out=tmp_path / "run")
    with pytest.raises(SpecError, match="is the folder of a run or a sweep"):
        evaluate_curves(run, ["hardware.periphery.adc_bits=4"], out=run.path)


def test_commands_that_are_printed_quote_the_path(capsys):
    status, out, _ = cli(capsys, "sweep", "xor", "--vary", "phases.beta=0.1", "--plan", "--out", "a b $(x)")
    wrapped = shlex.split(out.splitlines()[-1].partition("--wrap ")[2])
    plan = str(Path("a b $(x)", "plan.json").resolve())
    assert status == 0 and shlex.split(wrapped[0]) == ["neuroeq", "sweep", "cell", plan, "$SLURM_ARRAY_TASK_ID"]


def test_a_second_network_is_refused(capsys):
    status, _, err = cli(capsys, "sweep", "xor", "plan.json", "2", "--vary", "phases.beta=0.1")
    assert status == 2 and "unexpected extra argument(s) (plan.json 2)" in err


def test_drafts_of_two_processes_have_different_names(tmp_path, monkeypatch):
    drafts = []
    monkeypatch.setattr(Path, "replace", lambda self, _: drafts.append(self))
    for _ in range(2):
        atomic(tmp_path / "table.csv", "x")
    assert len(set(drafts)) == 2 and all(map(is_draft, drafts))


def test_a_process_of_another_user_that_is_hidden_is_alive(monkeypatch):
    def hidden(*_):
        raise PermissionError

    monkeypatch.setattr(claims, "_start", lambda _: None)
    monkeypatch.setattr(claims.os, "kill", hidden)
    assert claims._runs(claims.Holder.new())


def test_a_cell_that_ends_its_workers_has_failed_before_they_are_not_started_again():
    assert workers.STARTS > working.DEATHS


def test_words_are_no_numbers():
    assert as_numbers(["few steps", "many steps"]) is None
    with pytest.raises(SpecError, match="expected two or three numbers"):
        key_and_values("a.b=inf,2,...,4", "--vary")
    assert value_of("a.b", "[1, 2]") == "[1, 2]"


def test_whole_numbers_are_drawn_evenly():
    drawn = Drawn(3000, 0, [], ["a.b=2,4"])
    values = [point["a.b"] for factor in factors_of([], drawn=drawn) for point in factor.points]
    counts = [values.count(each) for each in ("2", "3", "4")]
    assert sum(counts) == 3000 and max(abs(count - 1000) for count in counts) < 5 * 26


def test_lists_can_be_drawn():
    found = sweep("xor", ["substrate.resistive.circuit.bias_voltages=[4],[4, 2]"], on=["resistive"], out="out", **SMALL)
    assert save_sweep(found)


def test_folders_of_a_plan_stay_in_it():
    plan = plan_sweep("xor", ["phases.beta=0.1"], references=False, out="out")
    table = json.loads(Path("out", "plan.json").read_text())
    for name in ("../../away", "", ".hidden", "a/b"):
        table["cells"][0]["folder"] = name
        Path("out", "plan.json").write_text(json.dumps(table))
        with pytest.raises(SpecError, match="is damaged"):
            read_plan(plan.out)


def test_what_is_no_claim_blocks_none():
    place = Path("claims", "cell")
    place.mkdir(parents=True)
    (place / ".DS_Store").touch()
    assert claims.Claims(Path("claims")).take("cell") is not None
    assert claims.Claims(Path("claims")).take("cell") is None


def test_a_worker_that_has_lost_its_cell_leaves_the_checkpoints_as_they_are(tmp_path):
    run = train("xor", "rate", epochs=2, out=tmp_path / "run")
    folder, before = RunFolder(run.path), {path.name: path.read_bytes() for path in run.path.iterdir()}

    def lost():
        raise claims.ClaimLostError

    folder.before_write = lost
    with pytest.raises(claims.ClaimLostError):
        folder.save(folder.load())
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before


def test_substrates_may_be_one_text():
    assert [each.cell.substrate for each in plan_sweep("xor", ["phases.beta=0.1"], on="rate", out="out").cells] == [
        "rate",
        "rate",
    ]


def test_a_sweep_can_be_opened_without_the_file_of_its_network_and_elsewhere():
    Path("mine.toml").write_text('extends = "xor"\ntitle = "Mine"\n')
    sweep("mine.toml", ["phases.beta=0.1"], out="out", **SMALL)
    Path("mine.toml").unlink()
    Path("out").rename("elsewhere")
    found = open_sweep("elsewhere")
    assert (found.network, found.title, found.count("done")) == ("mine", "Mine", 1)


def test_words_about_a_network_make_no_other_cells():
    cells = []
    for title in ("One", "Two"):
        Path("mine.toml").write_text(f'extends = "xor"\ntitle = "{title}"\nnotes = "{title}"\n')
        cells.append(plan_sweep("mine.toml", ["phases.beta=0.1"], out="out").cells)
    assert cells[0] == cells[1]


def test_hardware_files_may_have_any_name_and_networks_name_their_data_folder():
    Path("my pcm (2).toml").write_text('extends = "pcm"\n')
    save_data(Path("far", "data.npz"), 0)
    data = ["data.name=data.npz", {"run": {"data_dir": str(Path("far").resolve())}}]
    plan = plan_sweep("xor", ["phases.beta=0.1"], on=["crossbar:my pcm (2).toml"], settings=data, out="out")
    assert read_plan(plan.out) == plan
