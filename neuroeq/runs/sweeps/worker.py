"""A worker of a comparison or a sweep: it does the tasks that come through its stdin, and ends when that closes.

It closes when the process that started the worker ends, however it ends, so no worker is left behind. A cell that is
being trained then leaves a checkpoint, as after SIGTERM.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any, BinaryIO

from .workers import GRACE_S


def main() -> None:
    """Do tasks until stdin closes; answer each with None, or with the exception that ended it."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    tasks: SimpleQueue[Any] = SimpleQueue()
    idle = threading.Event()
    idle.set()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, tasks, idle), daemon=True).start()
    while (task := tasks.get()) is not None:
        answer: BaseException | None = None
        try:
            function, arguments = task
            function(*arguments)
        except KeyboardInterrupt as interruption:
            sys.exit(getattr(interruption, "status", 130))
        except Exception as error:
            answer = error
        idle.set()
        answers.write(_pickled(answer))
        answers.flush()


def _receive(tasks: BinaryIO, into: SimpleQueue[Any], idle: threading.Event) -> None:
    """Pass tasks on; at their end stop the process: gently first, and by force if that takes too long."""
    try:
        while True:
            task = pickle.load(tasks)
            idle.clear()
            into.put(task)
    except (EOFError, OSError, pickle.UnpicklingError):
        into.put(None)
    if not idle.is_set():
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(128 + signal.SIGTERM)


def _pickled(answer: BaseException | None) -> bytes:
    try:
        return pickle.dumps(answer)
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(answer).__name__}: {answer}"))


if __name__ == "__main__":
    main()
