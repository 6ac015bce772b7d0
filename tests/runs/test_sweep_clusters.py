"""The jobs of a sweep on a cluster: as processes of submitit, and on a stand-in for SLURM that kills them in time."""

import csv
import itertools
import os
import pickle
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuroeq.errors import SpecError
from neuroeq.runs.interruption import Interrupted
from neuroeq.runs.sweeps import cluster, cluster_of, open_sweep, plan_sweep
from neuroeq.runs.sweeps.cluster import Cluster
from tests.nets import PATIENCE

pytest.importorskip("submitit")
OPTIONS = ["--no-check", "--no-reference", "--quiet"]
THREE = ["--vary", "phases.beta=0.05,0.1,0.2", "--epochs", "100"]

SBATCH = """#!{python}
# Runs a job as a process in a session of its own; the first one is ended in the middle, as SLURM does at a time limit.
import os, subprocess, sys
here = {here!r}
number = len(os.listdir(here + "/jobs")) + 1
open(f"{{here}}/jobs/{{number}}", "w").close()
environment = dict(os.environ, SLURM_JOB_ID=str(number), SLURM_NTASKS="1", SLURM_JOB_NUM_NODES="1", SLURM_NODEID="0",
                   SLURM_PROCID="0", SLURM_LOCALID="0", SLURM_JOB_NODELIST="here")
how = {signal!r} if number == 1 else ""
job = subprocess.Popen([here + "/limited", how, sys.argv[-1]], env=environment, start_new_session=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
open(f"{{here}}/jobs/{{number}}", "w").write(str(job.pid))
print("Submitted batch job", number)
"""
LIMITED = """#!{python}
# Runs a job; if a signal is named, sends it to the session once there is a checkpoint, and SIGKILL five seconds later.
import glob, os, signal, subprocess, sys, time
job = subprocess.Popen(["bash", sys.argv[2]])
if sys.argv[1]:
    how = signal.Signals["SIG" + sys.argv[1]]
    if how != signal.SIGKILL:
        signal.signal(how, lambda *_: None)
    while job.poll() is None and not glob.glob({work!r} + "/there/cells/*/checkpoint.npz"):
        time.sleep(0.01)
    os.killpg(0, how)
    try:
        job.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(0, signal.SIGKILL)
sys.exit(job.wait())
"""
SRUN = """#!/bin/bash
# Runs what comes after its options, with stdout and stderr in the files that they name.
while [[ $1 == --* || $1 == -* ]]; do
  case $1 in --output) out=$2; shift;; --error) err=$2; shift;; esac
  shift
done
exec "$@" >"${out//%t/0}.log" 2>"${err//%t/0}.log"
"""
SQUEUE = """#!/bin/bash
# Prints those of some jobs whose processes run.
for job in $(tr , ' ' <<<"${{@: -1}}"); do
  pid=$(cat {here}/jobs/$job)
  kill -0 "$pid" 2>/dev/null && [[ $(cut -d' ' -f3 /proc/$pid/stat) != Z ]] && echo "$job"
done
exit 0
"""
SCANCEL = """#!/bin/bash
kill -- -$(cat {here}/jobs/${{@: -1}})
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Return a function that puts a stand-in for SLURM on the path, with how it ends the first job."""

    def install(signal=""):
        here = tmp_path / "slurm"
        (here / "jobs").mkdir(parents=True)
        names = {"sbatch": SBATCH, "limited": LIMITED, "squeue": SQUEUE, "scancel": SCANCEL}
        words = {"here": str(here), "work": str(tmp_path), "python": sys.executable, "signal": signal}
        texts = {name: text.format(**words) for name, text in names.items()}
        for name, text in {**texts, "srun": SRUN}.items():
            (here / name).write_text(text)
            (here / name).chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{here}{os.pathsep}{os.environ['PATH']}")
        return here / "jobs"

    return install


def swept(out, *options):
    command = [sys.executable, "-m", "neuroeq", "sweep", "xor", *OPTIONS, "--out", out, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    with (Path(out) / "sweep.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key != "cpu_s"} for row in csv.DictReader(file)]


@pytest.mark.reproduction
@pytest.mark.parametrize("signal", [pytest.param("TERM", marks=pytest.mark.slow), "USR2", "KILL"])
def test_jobs_on_slurm_are_killed_at_their_time_limit_and_the_table_is_that_of_this_machine(slurm, signal):
    """SIGKILL leaves only the checkpoints that are written on the way."""
    long = ["--vary", "training.batch_size=4", "--epochs", "600"]
    here = swept("here", *long, "--jobs", "1")
    jobs = slurm(signal)
    options = ["--cluster", "slurm", "--jobs", "1", "--slurm", "partition=cpu,timeout=1 min"]
    assert swept("there", *long, *options) == here
    assert len(list(jobs.iterdir())) > 1, "no job was killed"


@pytest.mark.reproduction
@pytest.mark.parametrize("name", ["slurm", "local"])
def test_jobs_do_what_processes_on_this_machine_do(slurm, name):
    jobs = slurm()
    options = ["--cluster", name, "--jobs", "2", "--slurm", "timeout='2 min',mem_gb=1"]
    assert swept("there", *THREE, *options) == swept("here", *THREE, "--jobs", "1")
    assert len(list(jobs.iterdir())) == (2 if name == "slurm" else 0)
    assert open_sweep("there").count("done") == 3


@pytest.mark.reproduction
def test_ctrl_c_cancels_the_jobs_and_the_same_command_goes_on(slurm):
    slurm()
    command = [sys.executable, "-m", "neuroeq", "sweep", "xor", *OPTIONS, *THREE, "--epochs", "6000", "--out", "out"]
    command += ["--cluster", "slurm", "--jobs", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while process.poll() is None and not list(Path("out").glob("cells/*/metrics.csv")):
        time.sleep(0.05)
    process.send_signal(2)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "give the same command to go on with the sweep in out." in err
    deadline = time.monotonic() + 15
    while open_sweep("out").count("running") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert open_sweep("out").count("running") == 0 and open_sweep("out").count("done") < 3


def test_options_of_jobs_have_the_names_of_submitit():
    wanted = {"slurm_partition": "cpu", "timeout_min": 120, "mem_gb": 4, "slurm_account": "x"}
    assert cluster_of("slurm", "partition=cpu,timeout=2 h,mem_gb=4,account=x") == Cluster("slurm", wanted)
    assert cluster_of("local", "partition=cpu,timeout='90 s'") == Cluster("local", {"timeout_min": 2})
    with pytest.raises(SpecError, match="--slurm cpu: expected NAME=VALUE"):
        cluster_of("slurm", "cpu")


def test_without_slurm_that_is_said(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    command = [sys.executable, "-m", "neuroeq", "sweep", "xor", *OPTIONS, *THREE, "--out", "out", "--cluster", "slurm"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2 and "--cluster slurm: there is no srun here" in done.stderr


class Told:
    """A job whose files a test writes."""

    def __init__(self, folder, number):
        self.job_id, self.paths = str(number), self
        self.result_pickle, self.state = folder / f"{number}.pkl", "RUNNING"

    def returns(self, kind, what):
        self.result_pickle.write_bytes(pickle.dumps((kind, what)))

    def result(self):
        kind, what = pickle.loads(self.result_pickle.read_bytes())
        if kind == "error":
            from submitit.core.utils import FailedJobError

            raise FailedJobError(what)
        return what

    def cancel(self, check):
        assert not check
        self.state = "CANCELLED"


def test_slurm_is_asked_for_all_jobs_at_once_and_seldom(tmp_path, monkeypatch):
    clock, asked, known = [0.0], [], ["1", "2", "3", "4"]

    def squeue(command, **_):
        asked.append(command[-1])
        return subprocess.CompletedProcess(command, 0, "\n".join(known), "")

    monkeypatch.setattr(cluster.subprocess, "run", squeue)
    monkeypatch.setattr(cluster.time, "monotonic", lambda: clock[0])
    queue = cluster.Queue(Cluster("slurm"))
    queue.jobs = [Told(tmp_path, number) for number in range(1, 5)]
    for second in range(100):
        clock[0] = float(second)
        if second == 25:
            known.remove("3")
        if second == 43:
            queue.jobs[-1].returns("success", "done")
        ended = [job.job_id for job in queue.ended()]
        assert ended == {30: ["3"], 43: ["4"]}.get(second, []), second
    assert asked == ["1,2,3,4"] * 3 + ["1,2,4"] + ["1,2"] * 5


def test_jobs_that_wait_in_the_queue_or_for_others_are_no_failures_and_those_that_fail_are(tmp_path, monkeypatch):
    plan = plan_sweep("xor", ["phases.beta=0.1,0.2"], checked=False, references=False, out="out")
    jobs, how, numbers = [], {}, itertools.count()

    class Executor:
        def submit(self, *_):
            jobs.append(Told(tmp_path, next(numbers)))
            if how:
                jobs[-1].returns(**how)
            return jobs[-1]

    def sleep(_):
        if len(jobs) >= 12:
            raise Interrupted(plan.out)

    monkeypatch.setattr(cluster, "_executor", lambda *_: Executor())
    monkeypatch.setattr(cluster.time, "sleep", sleep)
    how.update(kind="success", what="done")
    with pytest.raises(Interrupted):
        cluster.run_on(Cluster("local"), plan, 2)
    how.update(kind="error", what="Traceback")
    jobs.clear()
    with pytest.raises(SpecError, match="jobs end without progress"):
        cluster.run_on(Cluster("local"), plan, 2)
    assert len(jobs) == 2 * (cluster.STRIKES + 1)
    jobs.clear()
    how.clear()
    looks = iter(range(30))
    monkeypatch.setattr(cluster.time, "sleep", lambda _: next(looks))
    with pytest.raises(StopIteration):
        cluster.run_on(Cluster("local"), plan, 2)
    assert [job.state for job in jobs] == ["CANCELLED"] * 2


def test_no_job_is_submitted_where_the_last_ones_have_just_done_all_cells(tmp_path, monkeypatch):
    """Jobs may end at any moment, also between two looks at them and at the cells."""
    plan = plan_sweep("xor", ["phases.beta=0.1"], checked=False, references=False, out="out")
    jobs, done, ended = [], [], cluster.Queue.ended

    class Executor:
        def submit(self, *_):
            jobs.append(Told(tmp_path, len(jobs)))
            return jobs[-1]

    def look(queue):
        if jobs:
            done.append(True)
            jobs[0].returns("success", "done")
        return ended(queue)

    monkeypatch.setattr(cluster, "_executor", lambda *_: Executor())
    monkeypatch.setattr(cluster.Queue, "ended", look)
    monkeypatch.setattr(type(plan), "outcome", lambda *_: {} if done else None)
    monkeypatch.setattr(cluster, "POLL_S", 0)
    cluster.run_on(Cluster("local"), plan, 1)
    assert len(jobs) == 1
