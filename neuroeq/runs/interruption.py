"""Stops: Ctrl-C, and the signals by which batch systems and terminals end a process, leave a checkpoint."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN_S = 0.01
"""Time until a signal is sent again whose exception was dropped. [s]"""


class Interrupted(KeyboardInterrupt):
    """A run, a comparison or an evaluation was stopped.

    Parameters
    ----------
    path
        The folder to resume, if there is a checkpoint in it; None if nothing was kept.
    number
        The number of the signal that stopped it.
    """

    def __init__(self, path: Path | None, number: int = signal.SIGINT) -> None:
        kept = "nothing is kept yet" if path is None else f"the run in {path} can be resumed"
        super().__init__(f"interrupted; {kept}")
        self.path = path
        self.number = number

    @property
    def status(self) -> int:
        """The exit status of a process that ends so: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
        return 128 + self.number


class Stop(threading.Event):
    """An event that is set by the first signal that asks to stop.

    Attributes
    ----------
    number
        The number of that signal.
    """

    number: int = signal.SIGINT

    def heard(self, number: int) -> None:
        """Remember the signal, and set the event."""
        self.number = number
        self.set()


@contextmanager
def interruptible(path: Path | None) -> Iterator[Stop]:
    """Turn the first signal into an event; a second one raises `Interrupted` at once, with this path."""
    stop = Stop()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise Interrupted(path, number)
        stop.heard(number)

    with _handling(handle):
        yield stop


@contextmanager
def interrupting(path: Path | None) -> Iterator[None]:
    """Let signals raise `Interrupted` at once, where there is nothing to save first."""
    stop = Stop()

    def handle(number: int, frame: FrameType | None) -> None:
        stop.heard(number)
        raise Interrupted(path, number)

    with _handling(handle):
        yield
        if stop.is_set():
            raise Interrupted(path, stop.number)


@contextmanager
def _handling(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle the signals that are not ignored, as those under nohup are, if this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    former, hook = {number: signal.signal(number, handle) for number in heard}, sys.unraisablehook
    again: list[threading.Timer] = []
    sys.unraisablehook = partial(_send_again, hook, again)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for timer in again:
            timer.cancel()
        for number, handler in former.items():
            signal.signal(number, handler)


def _send_again(hook: Callable[[Any], object], again: list[threading.Timer], dropped: Any) -> None:
    """Send a signal again whose exception Python dropped, because it was running a finaliser or a weakref callback."""
    if not isinstance(dropped.exc_value, Interrupted):
        hook(dropped)
        return
    number = dropped.exc_value.number
    while True:
        again.append(threading.Timer(AGAIN_S, signal.pthread_kill, [threading.get_ident(), number]))
        with suppress(
            Interrupted
        ):  # on a busy machine it arrives before start() returns, where it would be dropped again
            again[-1].start()
            return
