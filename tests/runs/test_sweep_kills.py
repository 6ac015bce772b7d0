"""Sweeps whose workers and parents are killed at random end with every cell done once; two at a time share the work."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuroeq.runs.sweeps import open_sweep
from tests.nets import PATIENCE

pytestmark = pytest.mark.kill
COMMAND = [sys.executable, "-m", "neuroeq", "sweep", "xor", "--no-reference", "--no-check", "--quiet", "--out", "out"]
BETAS = "phases.beta=" + ",".join(f"{0.01 * number:.2f}" for number in range(1, 11))


def start(*options):
    return subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def victim(parent, draw):
    """Return a worker of a sweep, or the parent itself, one time in four."""
    try:
        workers = children(parent.pid)
    except OSError:
        return None
    return parent.pid if not workers or draw.random() < 0.25 else draw.choice(workers)


class Watched:
    """Looks at results while a sweep runs, and sees whether any is written again."""

    def __init__(self):
        self.stamps, self.again = {}, []

    def look(self):
        for path in Path("out/cells").glob("*/result.json"):
            stamp = path.stat().st_mtime_ns
            if self.stamps.setdefault(path, stamp) != stamp:
                self.again.append(path)


def run_killed(options, kills, seed=0, longest_s=1.5):
    """Run a sweep whose processes are killed at random moments, and start it again when its parent is gone."""
    draw, killed, starts, watched = random.Random(seed), 0, 0, Watched()
    while True:
        parent, starts = start(*options), starts + 1
        while parent.poll() is None:
            time.sleep(draw.uniform(0.05, longest_s))
            watched.look()
            pid = victim(parent, draw) if killed < kills and parent.poll() is None else None
            if pid is not None:
                try:
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    continue
        if parent.returncode == 0:
            watched.look()
            assert watched.again == []
            return killed, starts
        assert parent.returncode == -signal.SIGKILL, parent.stderr.read()


def each_cell_was_done_once(n):
    """Results are written once: their epochs are those of one training, however often it was interrupted."""
    found = open_sweep("out")
    assert len(found) == found.count("done") == n
    folders = {row["folder"] for row in found.rows}
    assert len(folders) == n and len(list(Path("out/cells").iterdir())) == n
    with Path("out/sweep.csv").open() as file:
        assert sum(1 for _ in file) == n + 1
    for row in found.rows:
        metrics = (Path("out") / row["folder"] / "metrics.csv").read_text().splitlines()[1:]
        epochs = json.loads((Path("out") / row["folder"] / "result.json").read_text())["epochs"]
        assert [int(line.split(",")[0]) for line in metrics] == list(range(1, epochs + 1))
    assert os.listdir("out/claims") == [] or all(name.startswith(".") for name in os.listdir("out/claims"))
    return found


def test_a_sweep_of_60_cells_that_is_killed_at_random_loses_no_cell_and_does_none_twice():
    options = ["--vary", BETAS, "--seeds", "6", "--epochs", "2", "--jobs", "4"]
    killed, _ = run_killed(options, kills=5)
    assert killed == 5
    each_cell_was_done_once(60)


@pytest.mark.slow
def test_a_sweep_of_1000_cells_is_killed_30_times():
    many = "training.batch_size=1,2,3,4"
    options = ["--vary", BETAS, "--vary", many, "--seeds", "25", "--epochs", "3", "--jobs", "4"]
    began = time.monotonic()
    killed, starts = run_killed(options, kills=30, longest_s=10.0)
    print(f"{killed} kills, {starts} starts, {time.monotonic() - began:.0f} s")
    assert killed == 30
    each_cell_was_done_once(1000)


def test_two_sweeps_that_start_at_the_same_moment_share_the_work():
    options = ["--vary", BETAS, "--epochs", "40", "--jobs", "1"]
    sweeps, watched = [start(*options) for _ in range(2)], Watched()
    workers = set()
    while any(each.poll() is None for each in sweeps):
        watched.look()
        workers |= {name.split("~")[1] for place in Path("out").glob("claims/[!.]*") for name in names(place)}
        time.sleep(0.005)
    assert [each.wait(PATIENCE) for each in sweeps] == [0, 0], [each.stderr.read() for each in sweeps]
    each_cell_was_done_once(10)
    assert watched.again == [] and workers == {str(each.pid) for each in sweeps}


def names(place):
    try:
        return [name for name in os.listdir(place) if name.count("~") == 4]
    except FileNotFoundError:
        return []


def test_workers_that_are_killed_are_replaced_and_their_cells_go_on_from_their_checkpoints():
    sweep = start("--vary", "phases.beta=0.05,0.1", "--epochs", "600", "--jobs", "2")
    paths = []
    while sweep.poll() is None and len(paths) < 2:
        paths = [path for path in Path("out/cells").glob("*/metrics.csv") if len(path.read_text().splitlines()) > 20]
        time.sleep(0.01)
    workers = children(sweep.pid)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    before = {path: path.read_text().splitlines()[:-1] for path in paths}
    _, err = sweep.communicate(timeout=PATIENCE)
    assert sweep.returncode == 0, err
    each_cell_was_done_once(2)
    assert len(workers) == len(before) == 2
    for path, lines in before.items():
        assert 20 <= len(lines) < 600 and path.read_text().splitlines()[: len(lines)] == lines, "trained again"
