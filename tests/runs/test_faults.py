"""Damaged files, places that cannot be written, full disks, odd terminals: one sentence each, and nothing is lost."""

import json
import os
import resource
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from neuroeq.describe.catalog import resolve
from neuroeq.errors import DataError, NeuroeqWarning, SpecError
from neuroeq.runs.records import RunFolder, choose, resuming
from neuroeq.runs.records.files import atomic, held
from neuroeq.runs.run import load_run
from neuroeq.runs.training import train
from tests.cli.test_cli import cli
from tests.nets import PATIENCE
from tests.runs.test_runs import same_weights

EPOCHS = ["--epochs", "4"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train("xor", "spiking", epochs=4, out=tmp_path_factory.mktemp("whole") / "run").path


@pytest.fixture
def run(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "run"))


def rewritten(change):
    """Return what changes the arrays of a checkpoint, without the digest, which one of version 0.1 does not have."""

    def damage(path):
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files if name != "digest"}
        change(arrays)
        np.savez(path, **arrays)

    return damage


def garbled(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3] ^= 255
    path.write_bytes(raw)


def other_digest(path):
    with np.load(path) as file:
        arrays = dict(file)
    arrays["params/hidden_output"] = arrays["params/hidden_output"] + 1
    np.savez(path, **arrays)


DAMAGED = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "cut at its end": lambda path: path.write_bytes(path.read_bytes()[:-30]),
    "text": lambda path: path.write_text("no archive"),
    "garbled": garbled,
    "a single array": lambda path: np.save(path.open("wb"), np.ones(3)),
    "a pickle": rewritten(lambda arrays: arrays.update(place=np.array([{}], object))),
    "without its place": rewritten(lambda arrays: arrays.pop("place")),
    "without its history": rewritten(lambda arrays: arrays.pop("history_at")),
    "another place": rewritten(lambda arrays: arrays.update(place=np.array("[1]"))),
    "other content": other_digest,
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_from_a_damaged_checkpoint_a_run_goes_on_from_the_one_before_it(run, whole, capsys, damage):
    DAMAGED[damage](run / "checkpoint.npz")
    status, out, err = cli(capsys, "eval", str(run))
    assert (status, out) == (2, "") and "checkpoint.npz: cannot be read (" in err
    assert f"go on from the checkpoint before it with {resuming(run)}" in err and err.count("\n") == 1
    with pytest.warns(NeuroeqWarning, match="training goes on from the checkpoint before it"):
        train("xor", "spiking", epochs=4, out=run, resume=True)
    assert same_weights(run, whole) and load_run(run).test_error == load_run(whole).test_error
    assert text_of_metrics(run) == text_of_metrics(whole)


def text_of_metrics(run):
    """The lines of metrics.csv as they are written, without the two columns of times."""
    return [line.split(",")[:-2] for line in (run / "metrics.csv").read_text().splitlines()]


def test_without_a_good_checkpoint_one_sentence(run):
    for name in ("checkpoint.npz", "checkpoint.former.npz"):
        (run / name).write_bytes(b"")
    with pytest.raises(SpecError, match=r"and there is no checkpoint before it; train the network anew\.$"):
        train("xor", "spiking", epochs=4, out=run, resume=True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda arrays: arrays.pop("params/hidden_output"),
            "parameter 'hidden_output' has shape None; expected (16, 2)",
        ),
        (
            lambda arrays: arrays.update({"params/hidden.bias": np.ones(3)}),
            "'hidden.bias' has shape (3,); expected (16,)",
        ),
        (
            lambda arrays: arrays.update({"params/hidden.bias": np.ones(16, int)}),
            "params of 'hidden.bias' are of type int64; expected real numbers.",
        ),
        (
            lambda arrays: arrays.update({"params/hidden.bias": np.full(16, np.nan)}),
            "params of 'hidden.bias' are not finite, so the training has diverged",
        ),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(run, capsys, change, sentence):
    rewritten(change)(run / "checkpoint.npz")
    for arguments in (["eval", str(run)], ["run", str(run / "run.toml"), "--resume", "--out", str(run), "--quiet"]):
        status, _, err = cli(capsys, *arguments)
        assert status == 2 and sentence in err and err.count("\n") == 1


FILES = {
    "result.json, cut": ("result.json", b"{", "eval", "result.json: is damaged"),
    "result.json, empty": ("result.json", b"", "eval", "result.json: is damaged"),
    "result.json, other": ("result.json", b"[1]", "eval", "result.json: is damaged (it lacks what a result holds)"),
    "result.json, bytes": ("result.json", b"\xff\xfe", "eval", "result.json: is damaged"),
    "run.toml, bytes": ("run.toml", b"\xff\xfe", "eval", "is not a run folder: run.toml cannot be read"),
    "run.toml, cut": ("run.toml", b"[data", "eval", "is not a run folder: run.toml cannot be read"),
    "metrics.csv, text": ("metrics.csv", b"epoch,train_error\n1,abc\n", "plot", "metrics.csv: is damaged"),
    "metrics.csv, empty": ("metrics.csv", b"", "plot", "has no rows in its metrics.csv"),
    "traces.h5, empty": ("traces.h5", b"", "plot", "traces.h5: cannot be read"),
    "traces.h5, text": ("traces.h5", b"no hdf5", "plot", "traces.h5: cannot be read"),
}


@pytest.mark.parametrize("name", FILES)
def test_another_damaged_file_is_one_sentence(run, capsys, name):
    file, content, verb, sentence = FILES[name]
    (run / file).write_bytes(content)
    status, out, err = cli(capsys, verb, str(run))
    assert (status, out) == (2, "") and sentence in err and err.count("\n") == 1, err


@pytest.mark.parametrize("at", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_damage_of_traces_is_seen_where_it_hits_data(run, whole, at):
    raw, start = bytearray((run / "traces.h5").read_bytes()), 0
    start = int(at * len(raw))
    raw[start : start + 64] = bytes(255 - byte for byte in raw[start : start + 64])
    (run / "traces.h5").write_bytes(raw)
    try:
        found = arrays_of(run)
    except SpecError as error:
        assert "traces.h5: cannot be read (" in str(error)
    else:
        assert found == arrays_of(whole)


def arrays_of(run):
    """All arrays in the traces of a run, by name, as bytes."""
    names = []
    with RunFolder(run).traces() as file:
        file.visit(names.append)
        return {name: file[name][()].tobytes() for name in names if hasattr(file[name], "dtype")}


def test_what_metrics_lack_is_said_and_does_not_stop_a_run(tmp_path):
    train("xor", "rate", epochs=2, out=tmp_path / "run")
    (tmp_path / "run" / "metrics.csv").unlink()
    (tmp_path / "run" / "result.json").unlink()
    with (
        pytest.warns(NeuroeqWarning, match=r"metrics.csv lacks 2 of 2 epochs that are trained already"),
        pytest.raises(SpecError, match=r"its metrics.csv is missing; put it back"),
    ):
        train("xor", "rate", epochs=2, out=tmp_path / "run", resume=True)


# Places.


@pytest.mark.parametrize("out", ["file", "file/run", "/dev/null", "link", "/proc/nothere/run", "n" * 300])
@pytest.mark.parametrize("verb", ["run", "compare"])
def test_an_out_folder_that_cannot_be_made_is_one_sentence(tmp_path, capsys, verb, out):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere/at/all")
    on = ["--on", "rate", "--jobs", "1"] if verb == "compare" else []
    status, _, err = cli(capsys, verb, "xor", *on, "--epochs", "1", "--out", out)
    assert status == 2 and err.startswith(f"neuroeq: --out {out}: cannot be made (") and err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "link", "home"}


def test_a_refused_run_leaves_no_empty_folder(tmp_path):
    for settings in (["layers.input.size=3"], ["data.name=nowhere.npz"], ["phases.beta=0"]):
        with pytest.raises((SpecError, DataError)):
            train("xor", "rate", settings=settings)
        with pytest.raises((SpecError, DataError)):
            train("xor", "rate", settings=settings, out="a/deep/folder")
    assert not Path("runs").exists() and not Path("a").exists()
    Path("mine").mkdir()
    with pytest.raises(DataError):
        train("xor", "rate", settings=["layers.input.size=3"], out="mine")
    assert Path("mine").is_dir(), "it was there before"


def test_no_two_runs_choose_the_same_folder():
    network = resolve("xor", "rate")
    with ThreadPoolExecutor(4) as threads:
        chosen = [each.path for each in threads.map(lambda _: choose(None, network, False), range(100))]
    assert len(set(chosen)) == 100


def test_a_second_run_into_a_folder_is_refused_while_the_first_one_is_in_it(tmp_path):
    train("xor", "rate", epochs=1, out=tmp_path / "run")
    with held(tmp_path / "run"), pytest.raises(SpecError, match=r"run: another process is writing into this folder"):
        train("xor", "rate", epochs=1, out=tmp_path / "run", resume=True)
    train("xor", "rate", epochs=1, out=tmp_path / "run", resume=True)

    def second(step, state):
        with pytest.raises(SpecError, match=r"is not empty|another process is writing"):
            train("xor", "rate", epochs=1, seed=2, out=tmp_path / "two")

    first = train("xor", "rate", epochs=1, seed=1, out=tmp_path / "two", callback=second)
    assert first.result["seed"] == 1


def test_a_name_that_is_a_path_is_no_folder(tmp_path):
    network = resolve("xor", "rate").model_copy(update={"name": "../../escaped"})
    for name in ("../../escaped", "/elsewhere/x", ".."):
        with pytest.raises(SpecError, match="but a name is no path"):
            choose(None, network.model_copy(update={"name": f"{name}/x"}), False)
    assert [path.name for path in tmp_path.iterdir()] == []


def test_what_a_killed_start_left_is_started_again(tmp_path, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    RunFolder(folder).describe(resolve("xor", "rate"))
    (folder / ".checkpoint.npz.123").write_text("half")
    with pytest.raises(SpecError, match="stopped before its first one, so leave --resume out to start it again"):
        train("xor", "rate", epochs=1, out=folder, resume=True)
    train("xor", "rate", epochs=1, out=folder)
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_an_edited_description_of_another_network_is_refused(run, capsys):
    text = (run / "run.toml").read_text()
    (run / "run.toml").write_text(text.replace("size = 16", "size = 8"))
    status, _, err = cli(capsys, "run", str(run / "run.toml"), "--resume", "--out", str(run), "--quiet")
    assert status == 2 and "has shape (16,); expected (8,), as run.toml describes the network" in err


# Disks.


def with_little_disk(arguments, size):
    """Run the command line in a process that can write files up to a size only."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    command = [sys.executable, "-m", "neuroeq", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, preexec_fn=limit)


def test_traces_that_do_not_fit_end_in_a_sentence_and_a_run_that_goes_on(whole, tmp_path):
    sizes = {path.name: path.stat().st_size for path in whole.iterdir()}
    largest = max(size for name, size in sizes.items() if name != "traces.h5")
    assert sizes["traces.h5"] > 1.5 * largest
    command = ["run", "xor", "--substrate", "spiking", *EPOCHS, "--out", str(tmp_path / "out"), "--quiet"]
    done = with_little_disk(command, int(1.2 * largest))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"neuroeq: {tmp_path / 'out' / 'traces.h5'}: file too large; raise the largest size" in done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(sizes) - {"traces.h5", "result.json"}
    train("xor", "spiking", epochs=4, out=tmp_path / "out", resume=True)
    assert same_weights(tmp_path / "out", whole)


def test_a_file_that_cannot_be_written_is_named_and_the_old_one_stays(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, former[1]))
    try:
        with pytest.raises(OSError, match="File too large") as failed:
            atomic(path, b"x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert failed.value.filename == str(path) and path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


# Terminals, and what is around a process.


def shell(line, **environment):
    line = line.replace("neuroeq", f"{sys.executable} -m neuroeq")
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE, env=os.environ | environment
    )


ASCII = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"}


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("neuroeq list networks > /dev/full", 1, "neuroeq: No space left on device; make room"),
        ("neuroeq list networks | head -1; exit ${PIPESTATUS[0]}", None, ""),
        ("neuroeq list hardware >&-", 0, ""),
        ("neuroeq show lif --json >&- 2>&-", 0, ""),
    ],
)
def test_no_output_is_a_traceback(line, status, said):
    done = shell(line, PYTHONPATH=os.pathsep.join(sys.path))
    assert done.returncode == status or (status is None and done.returncode in (0, 1)), done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert said in done.stderr and done.stderr.count("\n") == bool(said)


def test_a_current_folder_that_is_gone_is_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for arguments in (["list", "networks"], ["run", "xor"]):
        assert cli(capsys, *arguments) == (
            2,
            "",
            "neuroeq: the current folder has been removed; change to one that exists.\n",
        )


def test_a_locale_without_our_letters_shows_everything_else():
    done = shell("neuroeq show two_trace; neuroeq list hardware", **ASCII)
    assert done.returncode == 0 and done.stderr == ""
    assert "two_trace: " in done.stdout and "hfo2_rram_alox" in done.stdout


def test_few_open_files_are_one_sentence(tmp_path):
    done = shell("ulimit -n 12; neuroeq compare xor --on rate,spiking --epochs 2 --jobs 2 --out o --quiet")
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or "Too many open files; raise the number of open files" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("figure", "sentence"),
    [
        ("x.xyz", "is no name of a figure; expected one that ends with .png or .svg."),
        ("nowhere/x.png", "there is no folder 'nowhere'"),
    ],
)
def test_a_figure_that_cannot_be_is_refused_before_anything_is_computed(capsys, monkeypatch, figure, sentence):
    monkeypatch.setattr("neuroeq.runs.checking.check_network", lambda *_, **__: pytest.fail("computed"))
    status, _, err = cli(capsys, "check", "xor", "--figure", figure)
    assert status == 2 and sentence in err and err.count("\n") == 1


# What files say is shown as it is.


def test_brackets_and_dollars_in_titles_and_names_are_shown_as_they_are(tmp_path, capsys):
    (tmp_path / "n.toml").write_text('extends = "xor"\ntitle = "a [/b] c $x_ :smile:"\n')
    (tmp_path / "h$[x].toml").write_text('extends = "ideal"\ntitle = "h [/x] $"\n')
    on = ["--on", "rate,crossbar:h$[x].toml", "--jobs", "1", "--epochs", "1"]
    status, out, err = cli(capsys, "compare", "n.toml", *on, "--out", "out")
    assert status == 0, err
    assert "a [/b] c $x_ :smile:" in out and "crossbar:h$[x]" in out
    for arguments in (["eval", "out/rate-seed0"], ["check", "out/rate-seed0", "--figure", "f.svg"]):
        status, out, err = cli(capsys, *arguments)
        assert status == 0, err
    (tmp_path / "s.toml").write_text('extends = "two_trace"\ntitle = "costs $_{$"\n')
    assert cli(capsys, "plot", "--stdp", "s.toml")[0] == 0


def test_commands_to_paste_are_quoted(capsys):
    out = "dir mit Läerzeichen ☃/r n"
    _, said, _ = cli(capsys, "run", "xor", "--epochs", "1", "--out", out, "--quiet")
    assert said.splitlines()[-2] == f"Draw its figures with: neuroeq plot '{out}' all"
    assert said.splitlines()[-1].startswith("not learned: ")
    assert resuming(Path(out), "numpy") == f"neuroeq run '{out}/run.toml' --resume --out '{out}' --target numpy"


def test_warnings_of_libraries_are_not_shown(capsys, monkeypatch):
    def show(*_, **__):
        import warnings

        warnings.warn("a library says so", DeprecationWarning, stacklevel=1)
        warnings.warn("numbers do", RuntimeWarning, stacklevel=1)
        return []

    monkeypatch.setattr("neuroeq.describe.catalog.names", show)
    monkeypatch.setattr(sys, "warnoptions", [])
    _, _, err = cli(capsys, "list", "networks")
    assert err == "neuroeq: warning: numbers do\n"


def test_an_npz_file_beside_its_network_is_found_from_anywhere(tmp_path, monkeypatch, capsys):
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    rng = np.random.default_rng(0)
    np.savez(project / "mine.npz", inputs=rng.random((20, 2)), labels=np.arange(20) % 2)
    (project / "net.toml").write_text('extends = "xor"\n[data]\nname = "./mine.npz"\nprotocol = "final"\n')
    monkeypatch.chdir(elsewhere)
    run = train("../project/net.toml", "rate", epochs=1, out="../project/run")
    monkeypatch.chdir("/")
    assert cli(capsys, "eval", str(project / "run"))[0] == 0
    train(project / "net.toml", "rate", epochs=1, out=project / "run", resume=True)
    moved = shutil.move(project, tmp_path / "moved")
    status, _, err = cli(capsys, "eval", f"{moved}/run")
    assert status == 2 and "is not there (looked in" in err
    assert cli(capsys, "eval", f"{moved}/run", "--data-dir", moved)[0] == 0
    assert json.loads((Path(moved) / "run" / "result.json").read_text())["test_error"] == run.test_error
