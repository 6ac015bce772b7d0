"""Runs and comparisons that are killed or interrupted go on as if nothing had happened."""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from neuroeq.runs.records import RunFolder, resuming
from tests.nets import PATIENCE
from tests.runs.test_runs import same_weights

pytestmark = pytest.mark.kill
COMMAND = [sys.executable, "-m", "neuroeq", "run", "--target", "numpy"]
DIGITS = ["digits", "--set", "data.limit=200"]
NETWORKS = {
    "rate": [*DIGITS, "--substrate", "rate", "--epochs", "12", "--set", "training.momentum=0.5"],
    "rate, compiled": [*DIGITS, "--substrate", "rate", "--epochs", "200", "--engine", "compiled"],
    "spiking, random": [
        *DIGITS,
        "--substrate",
        "spiking",
        "--epochs",
        "4",
        "--set",
        "substrate.spiking.input=encoder_bernoulli",
    ],
}


def launch(command):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def start(arguments, out):
    return launch([*COMMAND, *arguments, "--out", str(out)])


def run_killed(arguments, out, kills):
    """Run a command, killed that many times at random moments and resumed, to its end."""
    draw, killed = random.Random(0), 0
    while True:
        resume = ["--resume"] if (out / "checkpoint.npz").exists() else []
        process = start([*arguments, *resume], out)
        if killed < kills and wait_for_training(process, out):
            time.sleep(draw.uniform(0.0, 0.3))
            killed += process.poll() is None
            process.kill()
        if process.wait(PATIENCE) == 0:
            break
    assert killed == kills


def same_results(one, two):
    results = [json.loads((path / "result.json").read_text()) for path in (one, two)]
    for key in ("train_error", "test_error", "loss", "spikes_per_inference"):
        assert results[0][key] == results[1][key], key
    rows = [RunFolder(path).metrics() for path in (one, two)]
    for first, second in zip(*rows, strict=True):
        assert {k: v for k, v in first.items() if not k.endswith("_s")} == {
            k: v for k, v in second.items() if not k.endswith("_s")
        }


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_killed_three_times_ends_in_the_weights_of_an_undisturbed_one(name, tmp_path, request):
    if "compiled" in name:
        request.getfixturevalue("compiler")
    whole = start(NETWORKS[name], tmp_path / "whole")
    assert whole.wait(PATIENCE) == 0, whole.stderr.read()
    run_killed(NETWORKS[name], tmp_path / "broken", 3)
    assert same_weights(tmp_path / "whole", tmp_path / "broken")
    same_results(tmp_path / "whole", tmp_path / "broken")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "epochs", "engine"),
    [
        ("mnist_rate", 60, "stepper"),
        ("mnist_rate", 200, "compiled"),
        ("mnist_spiking", 16, "stepper"),
        ("mnist_drn_xs", 80, "operating_point"),
    ],
)
def test_an_mnist_run_killed_ten_times_ends_in_the_weights_of_an_undisturbed_one(
    name, epochs, engine, tmp_path, mnist, compiler
):
    arguments = [name, "--epochs", str(epochs), "--engine", engine, "--set", "data.limit=1000"]
    whole = start(arguments, tmp_path / "whole")
    assert whole.wait(PATIENCE) == 0, whole.stderr.read()
    run_killed(arguments, tmp_path / "broken", 10)
    assert same_weights(tmp_path / "whole", tmp_path / "broken")
    same_results(tmp_path / "whole", tmp_path / "broken")


def wait_for_training(process, folder):
    """Wait until a process has written a checkpoint of its own; False if it ended before."""
    before = stamp(folder)
    while process.poll() is None:
        if stamp(folder) != before:
            return True
        time.sleep(0.01)
    return False


def stamp(folder):
    path = folder / "checkpoint.npz"
    return path.stat().st_mtime_ns if path.exists() else None


@pytest.mark.reproduction
def test_ctrl_c_leaves_a_checkpoint_and_exits_130(tmp_path):
    whole = start(NETWORKS["rate"], tmp_path / "whole")
    assert whole.wait(PATIENCE) == 0
    process = start(NETWORKS["rate"], tmp_path / "cut")
    assert wait_for_training(process, tmp_path / "cut")
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGINT)
    output, message = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    last = message.strip().splitlines()[-1]
    assert last == f"neuroeq: interrupted; go on with: {resuming(tmp_path / 'cut', 'numpy')}"
    assert "Traceback" not in message and output == ""
    assert not (tmp_path / "cut" / "result.json").exists()
    pasted = launch([sys.executable, "-m", *shlex.split(last.partition("go on with: ")[2])])
    assert pasted.wait(PATIENCE) == 0
    assert same_weights(tmp_path / "whole", tmp_path / "cut")


# Comparisons.

LONG = ["digits", "--on", "rate,crossbar:ideal", "--epochs", "8", "--set", "data.limit=200", "--quiet"]


def start_comparison(out, jobs):
    return launch([sys.executable, "-m", "neuroeq", "compare", *LONG, "--jobs", str(jobs), "--out", str(out)])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    process = start_comparison(out, 1)
    _, message = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, message
    return out


@pytest.mark.reproduction
@pytest.mark.parametrize(
    ("jobs", "how"),
    [
        (2, signal.SIGINT),
        pytest.param(1, signal.SIGKILL, marks=pytest.mark.slow),
        pytest.param(1, signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_comparison_goes_on_and_ends_the_same(whole, tmp_path, jobs, how):
    out = tmp_path / "out"
    process = start_comparison(out, jobs)
    while process.poll() is None and len(RunFolder(out / "rate-seed0").metrics()) < 2:
        time.sleep(0.005)
    os.kill(process.pid, how)
    _, message = process.communicate(timeout=PATIENCE)
    assert process.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL), message
    if how == signal.SIGINT:
        last = message.strip().splitlines()[-1]
        assert last == f"neuroeq: interrupted; give the same command to go on with the comparison in {out}."
        assert "Traceback" not in message
    assert not (out / "table.json").exists()
    cell = RunFolder(out / "rate-seed0")
    begun = cell.metrics()[: cell.load().epoch if cell.begun else 0]  # rows are written just before their checkpoint
    again = start_comparison(out, jobs)
    assert again.wait(PATIENCE) == 0, again.stderr.read()
    assert RunFolder(out / "rate-seed0").metrics()[: len(begun)] == begun, "epochs were trained again"
    tables = [json.loads((path / "table.json").read_text()) for path in (whole, out)]
    for one, two in zip(*(table["cells"] for table in tables), strict=True):
        assert {k: v for k, v in one.items() if k not in ("cpu_s", "path", "warnings")} == {
            k: v for k, v in two.items() if k not in ("cpu_s", "path", "warnings")
        }
    for cell in ("rate-seed0", "crossbar-ideal-seed0"):
        one, two = (RunFolder(Path(path) / cell).load().params for path in (whole, out))
        assert all(np.array_equal(one[name], two[name]) for name in one)
