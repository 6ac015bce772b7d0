"""Workers: processes with one thread each, which take the next task when they are done with one."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue
from typing import Any

from joblib import cpu_count

from neuroeq.errors import SpecError

GRACE_S = 8.0
"""How long a worker may take to write a checkpoint after it was told to stop [s]."""
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")}
Task = tuple[Callable[..., None], tuple[Any, ...]]
"""A function, and the arguments that it is called with."""
SOON_S, STARTS = 3.0, 8
"""A worker that ends within that time [s], that many times in a row, is not started again; a cell that ends its workers
has failed before."""


def run_all(tasks: Sequence[Task], jobs: int | None, what: Sequence[str], again: bool = False) -> None:
    """Run all tasks, that many at a time: in this process if it is one.

    Parameters
    ----------
    tasks
        The tasks, which are begun in this order.
    jobs
        The number of tasks that run at a time; as many as there are cores if left out.
    what
        What each task is about, for messages.
    again
        Whether a task whose worker was killed is given to another one.

    Raises
    ------
    Interrupted
        If this process is asked to stop; cells leave a checkpoint then.
    OSError
        If a worker cannot be started, or cannot write its results.
    SpecError
        If a worker was killed.
    """
    jobs = min(jobs or cpu_count(), len(tasks))
    if jobs == 1:
        for function, arguments in tasks:
            function(*arguments)
        return
    waiting: SimpleQueue[tuple[Task, str]] = SimpleQueue()
    for each in zip(tasks, what, strict=True):
        waiting.put(each)
    pool = _Pool(again)
    with ThreadPoolExecutor(jobs) as threads:
        try:
            started = [pool.start() for _ in range(jobs)]
            served = [threads.submit(pool.serve, worker, waiting) for worker in started]
            wait(served, return_when=FIRST_EXCEPTION)
            for one in served:
                if one.done():
                    one.result()
        finally:
            pool.stop()


class _Pool:
    """The workers of this process.

    Parameters
    ----------
    again
        Whether a worker that was killed is replaced.
    """

    def __init__(self, again: bool) -> None:
        self._again, self._stopped, self._starting = again, False, threading.Lock()
        self._workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start a worker, in a session of its own, where Ctrl-C does not reach it: this process passes it on."""
        found = {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
        with self._starting:
            if self._stopped:
                raise EOFError
            worker = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{__package__}.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | found | ONE_THREAD,
                start_new_session=True,
            )
            self._workers.append(worker)
        return worker

    def serve(self, worker: subprocess.Popen[bytes], waiting: SimpleQueue[tuple[Task, str]]) -> None:
        """Give a worker one task after the other, until there are none left; replace it if it is killed."""
        while True:
            try:
                task, what = waiting.get_nowait()
            except Empty:
                return
            soon, began = 0, time.monotonic()
            while True:
                try:
                    answer = _asked(worker, task)
                    break
                except (EOFError, BrokenPipeError, pickle.UnpicklingError):
                    status = worker.wait()
                soon = soon + 1 if time.monotonic() - began < SOON_S else 0
                if not self._again or self._stopped or soon == STARTS:
                    raise SpecError(
                        f"{what}: the process that trained it ended with status {status}; give the same command to go "
                        "on."
                    )
                began, worker = time.monotonic(), self.start()
            if answer is not None:
                raise answer

    def stop(self) -> None:
        """Close the pipes of all workers, on which they leave a checkpoint and end, and wait for that."""
        with self._starting:
            self._stopped = True
        for worker in self._workers:
            if worker.stdin is not None and not worker.stdin.closed:
                worker.stdin.close()
        for worker in self._workers:
            try:
                worker.wait(GRACE_S + 2)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            if worker.stdout is not None:
                worker.stdout.close()


def _asked(worker: subprocess.Popen[bytes], task: Task) -> BaseException | None:
    """Return what a worker answers to a task: nothing, or the exception that ended it."""
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(pickle.dumps(task))
    worker.stdin.flush()
    answer: BaseException | None = pickle.load(worker.stdout)
    return answer
