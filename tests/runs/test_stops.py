"""Whatever stops a command, nothing is lost: what it left goes on, ends in the same bits, and nothing stays behind."""

import json
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import pytest

from neuroeq.cli import main
from neuroeq.runs import interruption
from neuroeq.runs.interruption import STOPS, Interrupted, interrupting
from neuroeq.runs.records import RunFolder
from neuroeq.runs.training import train
from neuroeq.runs.transfer import PartlyEvaluated, evaluate_run
from tests.nets import PATIENCE
from tests.runs.test_runs import same_weights

AT_RANDOM = ["--set", "substrate.spiking.input=encoder_bernoulli"]
IN_TIME = ["--engine", "stepper", "--set", "training.learning=in_situ"]
RUNS = {
    "rate": ["iris", "--substrate", "rate", "--epochs", "12", "--engine", "stepper"],
    "spiking": ["iris", "--substrate", "spiking", "--epochs", "2"],
    "spiking at random": [
        "iris",
        "--substrate",
        "spiking",
        "--epochs",
        "2",
        "--set",
        "substrate.spiking.input=encoder_bernoulli",
    ],
    "reference": ["xor", "--substrate", "rate", "--epochs", "3", "--engine", "reference"],
    "devices": ["iris", "--substrate", "crossbar", "--hardware", "pcm", "--epochs", "6"],
    "resistors": ["xor", "--substrate", "resistive", "--epochs", "60"],
    "resistors in time": ["xor", "--substrate", "resistive", "--epochs", "2", *IN_TIME],
    "compiled": ["iris", "--substrate", "rate", "--epochs", "200", "--engine", "compiled"],
}
COMPARE = ["compare", "xor", "--on", "rate,crossbar:pcm", "--epochs", "12", "--jobs", "2", "--quiet"]
HOW = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""The signals; the last one is sent twice."""


@pytest.fixture(scope="module")
def processes():
    """Return what starts processes that have imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.runs.test_stops", "neuroeq.runs.training", "brian2"])
    return context


def command(arguments, log):
    """Run the command line in this process, and write what it says into a file."""
    sys.stdout = sys.stderr = open(log, "a")  # noqa: SIM115
    os.dup2(sys.stderr.fileno(), 2)
    main([*arguments, "--target", "numpy"] if arguments[0] != "export" else arguments)


class Stopped:
    """A command that is stopped at seeded moments and started again, until it has been stopped so many times.

    Parameters
    ----------
    processes
        What starts processes.
    log
        The file that everything it says goes into.
    seed
        The seed of the moments.
    """

    def __init__(self, processes, log, seed):
        self.processes, self.log, self.draw, self.how = processes, log, random.Random(seed), cycle(HOW)
        self.kills = 0

    def ended(self, arguments, stop_within_s=None):
        """Run a command, stopped within that time; return its exit status."""
        process, before = self.processes.Process(target=command, args=(arguments, self.log)), self.said()
        process.start()
        if stop_within_s is not None:
            process.join(self.draw.uniform(0, stop_within_s))
            if process.is_alive():
                how = next(self.how)
                for _ in range(2 if how == signal.SIGINT else 1):
                    with suppress(ProcessLookupError):
                        os.kill(process.pid, how)
                    time.sleep(0.02)
                process.join(PATIENCE)
                self.kills += process.exitcode != 0
                # SIGTERM and SIGHUP end a process at once that has nothing to save yet; a second Ctrl-C may come while
                # it is already ending, and the first one before the command has begun.
                early = self.said().split("Traceback")[0] in ("", before)
                ending = (1,) if how == signal.SIGINT and (early or "interrupted" in self.said()) else ()
                assert process.exitcode in (-how, 128 + how, 0, *ending), self.said()
        process.join(PATIENCE)
        said, *tracebacks = self.said().split("Traceback")
        # Python itself reports Ctrl-C before a command has begun, and a second one in the last moments of a command
        # that has said that it was interrupted.
        assert all("KeyboardInterrupt" in each for each in tracebacks), self.said()
        assert not tracebacks or "interrupted" in said or said in ("", before), self.said()
        return process.exitcode

    def said(self):
        return self.log.read_text() if self.log.exists() else ""


def the_same(whole, broken):
    assert same_weights(whole, broken)
    one, two = (json.loads((path / "result.json").read_text()) for path in (whole, broken))
    for key in ("train_error", "test_error", "loss", "residual", "spikes_per_inference", "energy", "trainer"):
        assert one[key] == two[key], key
    rows = [
        [{key: value for key, value in row.items() if not key.endswith("_s")} for row in RunFolder(path).metrics()]
        for path in (whole, broken)
    ]
    assert rows[0] == rows[1]
    left = {path.name for path in broken.iterdir()} - {path.name for path in whole.iterdir()}
    assert not left


def stop_run(processes, tmp_path, name, kills, seed):
    """Stop a run that many times, and compare what it ends in with an undisturbed one."""
    stopped, whole = Stopped(processes, tmp_path / "log", seed), tmp_path / "whole"
    run = ["run", *RUNS[name], "--quiet"]
    begun = time.monotonic()
    assert stopped.ended([*run, "--out", str(whole)]) == 0, stopped.said()
    lasts, broken = time.monotonic() - begun, 0
    while stopped.kills < kills:
        out, status, broken = tmp_path / f"broken{broken}", None, broken + 1
        while status != 0:
            resume = ["--resume"] if RunFolder(out).begun else []
            within = lasts if stopped.kills < kills else None
            status = stopped.ended([*run, "--out", str(out), *resume], within)
            if status and RunFolder(out).begun:
                RunFolder(out).load()
        the_same(whole, out)
    return stopped.kills


@pytest.mark.kill
def test_a_run_that_is_stopped_in_every_way_ends_in_the_same_bits(processes, tmp_path):
    assert stop_run(processes, tmp_path, "rate", 4, seed=0) == 4


@pytest.mark.kill
@pytest.mark.reproduction
@pytest.mark.parametrize("name", [name for name in RUNS if name != "rate"])
def test_runs_on_every_other_engine_end_in_the_same_bits(processes, tmp_path, name, request):
    if name == "compiled":
        request.getfixturevalue("compiler")
    assert stop_run(processes, tmp_path, name, 4, seed=list(RUNS).index(name)) == 4


@pytest.mark.kill
@pytest.mark.reproduction
def test_a_comparison_that_is_stopped_ends_the_same(processes, tmp_path):
    stopped, whole, broken = Stopped(processes, tmp_path / "log", 1), tmp_path / "whole", 0
    begun = time.monotonic()
    assert stopped.ended([*COMPARE, "--out", str(whole)]) == 0, stopped.said()
    lasts = time.monotonic() - begun
    while stopped.kills < 4:
        out, status, broken = tmp_path / f"broken{broken}", None, broken + 1
        while status != 0:
            status = stopped.ended([*COMPARE, "--out", str(out)], lasts if stopped.kills < 4 else None)
        aside = ("cpu_s", "path", "warnings")
        tables = [json.loads((path / "table.json").read_text())["cells"] for path in (whole, out)]
        one, two = ([{key: row[key] for key in row if key not in aside} for row in rows] for rows in tables)
        assert one == two
        for cell in ("rate-seed0", "crossbar-pcm-seed0"):
            the_same(whole / cell, out / cell)


@pytest.mark.kill
@pytest.mark.reproduction
@pytest.mark.parametrize("verb", ["eval", "export"])
def test_an_evaluation_and_an_export_that_are_stopped_give_the_same_again(processes, tmp_path, verb):
    stopped, run = Stopped(processes, tmp_path / "log", 2), tmp_path / "run"
    assert stopped.ended(["run", *RUNS["resistors"], "--out", str(run), "--quiet"]) == 0
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    netlist = tmp_path / "netlist.cir"
    arguments = {
        "eval": ["eval", str(run), "--draws", "3", "--json", "--quiet"],
        "export": ["export", str(run), str(netlist), "--json"],
    }[verb]
    stopped.log = tmp_path / "alone"
    begun = time.monotonic()
    assert stopped.ended(arguments) == 0
    lasts, said = time.monotonic() - begun, stopped.said()
    written = netlist.read_bytes() if verb == "export" else b""
    stopped.log = tmp_path / "log"
    while stopped.kills < 4:
        stopped.ended(arguments, lasts)
        assert verb == "eval" or netlist.read_bytes() == written
    stopped.log = tmp_path / "again"
    assert stopped.ended(arguments) == 0 and stopped.said() == said
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


@pytest.mark.parametrize("how", STOPS)
def test_a_signal_leaves_a_checkpoint_that_says_which_it_was(tmp_path, how):
    def stop(step, state):
        if step.epoch == 1:
            os.kill(os.getpid(), how)

    former = signal.getsignal(how)
    with pytest.raises(Interrupted) as stopped:
        train("xor", "rate", epochs=4, out=tmp_path / "cut", callback=stop)
    assert (stopped.value.path, stopped.value.status) == (tmp_path / "cut", 128 + how)
    assert RunFolder(tmp_path / "cut").load().epoch in (1, 2)
    assert signal.getsignal(how) is former
    whole = train("xor", "rate", epochs=4, out=tmp_path / "whole")
    train("xor", "rate", epochs=4, out=tmp_path / "cut", resume=True)
    assert same_weights(whole.path, tmp_path / "cut")


def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    """As under nohup, where a closed terminal stops nothing."""
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        train("xor", "rate", epochs=2, out=tmp_path / "run", callback=lambda *_: os.kill(os.getpid(), signal.SIGHUP))
    finally:
        signal.signal(signal.SIGHUP, former)
    assert (tmp_path / "run" / "result.json").exists()


def test_an_evaluation_that_is_stopped_gives_the_chips_that_are_done(tmp_path):
    run = train("xor", "crossbar", hardware="pcm", epochs=2, out=tmp_path / "run")
    whole, seen = evaluate_run(run, draws=3), []

    def stop(n, more):
        seen.append(more)
        if sum(seen) > 2 * n / 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(PartlyEvaluated) as stopped:
        evaluate_run(run, draws=3, progress=stop)
    assert stopped.value.done.draws == (0, 1) and stopped.value.status == 130
    assert stopped.value.done.spreads[0].errors == whole.spreads[0].errors[:2]


@pytest.mark.kill
def test_workers_end_with_a_comparison_that_is_killed(processes, tmp_path):
    process = processes.Process(
        target=command, args=([*COMPARE, "--epochs", "2000", "--out", str(tmp_path / "out")], tmp_path / "log")
    )
    process.start()
    while not (tmp_path / "out" / "rate-seed0" / "metrics.csv").exists():
        time.sleep(0.02)
        assert process.is_alive(), (tmp_path / "log").read_text()
    workers = children(process.pid)
    assert len(workers) == 2
    process.kill()
    process.join()
    while any(alive(worker) for worker in workers):
        time.sleep(0.02)
    assert RunFolder(tmp_path / "out" / "rate-seed0").load().epoch > 0


def children(pid):
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_during_a_finaliser_is_not_dropped(capfd):
    class Late:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted), interrupting(None):
        late = Late()
        del late
        time.sleep(PATIENCE)
    assert "Traceback" not in capfd.readouterr().err


def test_a_signal_that_arrives_before_its_timer_has_been_started_is_not_dropped(monkeypatch, capfd):
    class Late:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    class Slow(threading.Timer):
        def start(self):
            super().start()
            if len(started) < 2:
                started.append(self)
                time.sleep(2 * interruption.AGAIN_S)

    started: list[threading.Timer] = []
    monkeypatch.setattr(interruption.threading, "Timer", Slow)
    with pytest.raises(Interrupted), interrupting(None):
        late = Late()
        del late
        time.sleep(PATIENCE)
    assert len(started) == 2 and "Traceback" not in capfd.readouterr().err
