"""The workers of a comparison: processes with one thread each, which take the next cell when they are done with one."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue

from joblib import cpu_count

from neuroeq.errors import SpecError

from .cells import Cell
from .running import GRACE_S, Plan, run_cell

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")}


def run_all(plan: Plan, cells: Sequence[Cell], jobs: int | None) -> None:
    """Run all cells, that many at a time.

    Parameters
    ----------
    plan
        The options that all cells share.
    cells
        The cells, which are begun in this order.
    jobs
        The number of cells that run at a time; as many as there are cores if left out.

    Raises
    ------
    Interrupted
        If this process is asked to stop; cells leave a checkpoint then.
    OSError
        If a worker cannot be started, or cannot write its results.
    SpecError
        If a worker was killed.
    """
    jobs = min(jobs or cpu_count(), len(cells))
    if jobs == 1:
        for cell in cells:
            run_cell(plan, cell)
        return
    waiting: SimpleQueue[Cell] = SimpleQueue()
    for cell in cells:
        waiting.put(cell)
    workers: list[subprocess.Popen[bytes]] = []
    with ThreadPoolExecutor(jobs) as threads:
        try:
            workers += [_started() for _ in range(jobs)]
            served = [threads.submit(_serve, worker, plan, waiting) for worker in workers]
            wait(served, return_when=FIRST_EXCEPTION)
            for each in served:
                if each.done():
                    each.result()
        finally:
            _stop(workers)


def _started() -> subprocess.Popen[bytes]:
    """Start a worker, in a session of its own, where Ctrl-C does not reach it: this process passes it on."""
    found = {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | found | ONE_THREAD,
        start_new_session=True,
    )


def _serve(worker: subprocess.Popen[bytes], plan: Plan, waiting: SimpleQueue[Cell]) -> None:
    """Give a worker one cell after the other, until there are none left."""
    assert worker.stdin is not None and worker.stdout is not None
    while True:
        try:
            cell = waiting.get_nowait()
        except Empty:
            return
        try:
            worker.stdin.write(pickle.dumps((plan, cell)))
            worker.stdin.flush()
            answer = pickle.load(worker.stdout)
        except (EOFError, BrokenPipeError):
            raise SpecError(
                f"{plan.folder(cell)}: the process that trained it ended with status {worker.wait()}; give the same "
                "command to go on."
            ) from None
        if answer is not None:
            raise answer


def _stop(workers: Sequence[subprocess.Popen[bytes]]) -> None:
    """Close the pipes of all workers, on which they leave a checkpoint and end, and wait for that."""
    for worker in workers:
        if worker.stdin is not None and not worker.stdin.closed:
            worker.stdin.close()
    for worker in workers:
        try:
            worker.wait(GRACE_S + 2)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
        if worker.stdout is not None:
            worker.stdout.close()
