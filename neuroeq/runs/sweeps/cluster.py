"""Sweeps on a cluster: jobs that work through the plan, submitted by submitit to SLURM, or as processes without it.

A job that reaches its time limit leaves a checkpoint and ends; another one is submitted as long as cells are left.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

from neuroeq.errors import SpecError, unknown_name
from neuroeq.units import si

from ..interruption import Interrupted
from .claims import SILENT_S
from .outcome import CELL
from .plan import Plan
from .values import split, value_of
from .working import work_through

CLUSTERS = ("slurm", "local")
SHARED = ("cpus_per_task", "gpus_per_node", "mem_gb", "name", "nodes", "stderr_to_stdout", "tasks_per_node")
"""The options that submitit has for every cluster; others are those of SLURM."""
POLL_S = 1.0
"""Time between two looks at the cells and at the files of jobs [s]."""
ASK_S = 10.0
"""The shortest time between two questions to SLURM [s]."""
PATIENCE_S = SILENT_S + 15
"""How long a job waits for cells that other processes have, which may be dead [s]."""
STRIKES = 3
"""So many times in a row jobs may end without any progress."""
DONE = "done"
"""What a job returns that did all it could."""


@dataclass(frozen=True)
class Cluster:
    """A cluster, and the options of jobs on it.

    Parameters
    ----------
    name
        ``"slurm"``, or ``"local"`` for the same jobs as processes.
    options
        The options of jobs, by the names that submitit has for them.
    jobs
        The number of jobs at a time.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    jobs: int = 10


def cluster_of(name: str, options: str = "") -> Cluster:
    """Return a cluster from its name and options such as ``"partition=cpu,timeout=2 h"``.

    Raises
    ------
    SpecError
        If there is no such cluster, an option is no ``NAME=VALUE``, or the time limit is no time.
    """
    if name not in CLUSTERS:
        raise unknown_name("cluster", name, CLUSTERS, f"--cluster takes: {', '.join(CLUSTERS)}.")
    found: dict[str, Any] = {}
    for text in split(options) if options.strip() else ():
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not key.isidentifier() or not value:
            raise SpecError(f"--slurm {text}: expected NAME=VALUE,..., such as partition=cpu,timeout=2 h.")
        if key == "timeout":
            found["timeout_min"] = _minutes(str(value_of(key, value)))
        else:
            found[key if key in SHARED else f"slurm_{key}"] = value_of(key, value)
    if name == "local":
        found = {key: value for key, value in found.items() if not key.startswith("slurm_")}
    return Cluster(name, found)


def run_on(cluster: Cluster, plan: Plan, jobs: int) -> None:
    """Do all cells of a plan by jobs of a cluster.

    Parameters
    ----------
    cluster
        The cluster, and the options of jobs.
    plan
        The plan of the sweep.
    jobs
        The number of jobs at a time.

    Raises
    ------
    SpecError
        If submitit is not installed, the cluster does not take the jobs, or they end without any progress.
    Interrupted
        If this process is asked to stop; its jobs are cancelled.
    """
    executor, strikes, seen = _executor(cluster, plan), 0, None
    queue, left = Queue(cluster), plan.once
    try:
        while True:
            ended = queue.ended()  # before looking at the cells, which jobs that have ended may have done
            left = [planned for planned in left if plan.outcome(planned) is None]
            if not left:
                return
            if any(not _was_idle(job) for job in ended):
                now = _progress(plan, len(left))
                strikes, seen = (strikes + 1 if now == seen else 0), now
            if strikes == STRIKES:
                raise SpecError(
                    f"{plan.out}: jobs end without progress; look into {plan.out / 'cluster'}, where they write what "
                    "went wrong, and give the same command to go on."
                )
            queue.jobs += [_submitted(executor, plan) for _ in range(min(jobs, len(left)) - len(queue.jobs))]
            time.sleep(POLL_S)
    finally:
        for job in queue.jobs:
            if not job.paths.result_pickle.exists():
                job.cancel(check=False)


class Queue:
    """Jobs that wait or run; SLURM is asked for all of them at once, at most every `ASK_S`.

    Parameters
    ----------
    cluster
        The cluster that the jobs are submitted to.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.jobs: list[Any] = []
        self._slurm, self._asked = cluster.name == "slurm", time.monotonic()

    def ended(self) -> list[Any]:
        """Return the jobs that have ended since the last call, which are no longer in the queue."""
        known = self._known() if self._slurm else {job.job_id for job in self.jobs if job.state == "RUNNING"}
        ended = [job for job in self.jobs if job.paths.result_pickle.exists() or job.job_id not in known]
        self.jobs = [job for job in self.jobs if job not in ended]
        return ended

    def _known(self) -> set[str]:
        """Return the numbers of the jobs that SLURM knows, which are those of all jobs until it is asked again."""
        numbers = [job.job_id for job in self.jobs]
        if not numbers or time.monotonic() - self._asked < ASK_S:
            return set(numbers)
        self._asked = time.monotonic()
        command = ["squeue", "--noheader", "--format=%A", "--jobs", ",".join(numbers)]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        away = asked.returncode and "invalid job id" not in asked.stderr.lower()
        return set(numbers if away else asked.stdout.split())


class Job:
    """What a job does: it works through a plan, and leaves a checkpoint when its time is up."""

    def __call__(self, plan: Plan) -> str:
        """Return how the job ended: `DONE`, also if others have the cells that are left, or ``"stopped"``."""
        signal.signal(signal.SIGUSR2, lambda *_: os.kill(os.getpid(), signal.SIGTERM))  # SLURM sends it before the end
        try:
            work_through(plan, PATIENCE_S)
        except Interrupted:
            return "stopped"
        return DONE


def _executor(cluster: Cluster, plan: Plan) -> Any:
    try:
        import submitit
    except ImportError:
        raise SpecError("--cluster: needs submitit; install it with `pip install neuroeq[cluster]`.") from None
    if cluster.name == "slurm" and shutil.which("srun") is None:
        raise SpecError(
            "--cluster slurm: there is no srun here; give the command on a machine of the cluster, or take "
            "--cluster local."
        )
    executor = submitit.AutoExecutor(folder=plan.out / "cluster", cluster=cluster.name)
    try:
        executor.update_parameters(**{"name": f"neuroeq-{plan.name}", **cluster.options})
    except (NameError, TypeError, ValueError) as error:
        raise SpecError(f"--slurm: {' '.join(str(error).split())}") from None
    return executor


def _submitted(executor: Any, plan: Plan) -> Any:
    try:
        return executor.submit(Job(), plan)
    except Exception as error:  # of submitit, which has a class for a job that is not taken
        said = " ".join(str(error).split())
        raise SpecError(f"--cluster: the job was not taken ({said}).") from None


def _was_idle(job: Any) -> bool:
    """Whether a job ended because it found no cell that nobody had."""
    from submitit.core.utils import FailedJobError, UncompletedJobError

    if not job.paths.result_pickle.exists():
        return False
    try:
        return bool(job.result() == DONE)
    except (FailedJobError, UncompletedJobError, OSError, EOFError):
        return False


def _progress(plan: Plan, left: int) -> tuple[int, float]:
    """Return what changes if there is any progress: the number of cells left, and when a file was last written."""
    files = [path for name in ("checkpoint.npz", CELL) for path in (plan.out / "cells").glob(f"*/{name}")]
    return left, max((_written(path) for path in files), default=0.0)


def _written(path: Any) -> float:
    try:
        return float(path.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def _minutes(text: str) -> int:
    try:
        return max(1, math.ceil(si(text, "a time") / 60))
    except SpecError as error:
        raise SpecError(f"--slurm timeout {error}.") from None
