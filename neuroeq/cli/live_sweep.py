"""Show the progress of a sweep: a table on a terminal, and a line a minute elsewhere, read from the run folders."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.live import Live
from rich.table import Table

from neuroeq.runs.sweeps import Plan, Planned

from .live import progress_of
from .output import console

EVERY_S = 60.0
"""How often a line tells of the progress, where stderr is no terminal [s]."""
MOST = 16
"""The largest number of running cells that are shown."""


class Tally:
    """How many cells are done, have failed, are running and are left, since a moment.

    Parameters
    ----------
    plan
        The plan of the sweep.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan, self._began = plan, time.monotonic()
        self._left: list[Planned] = plan.once
        self.done = self.failed = 0
        self.running: list[Planned] = []
        self.look()
        self._before = self.done + self.failed

    def look(self) -> None:
        """Look at the cells that were not done; where a file system is away for a moment, nothing changes."""
        with suppress(OSError):
            self._look()

    def _look(self) -> None:
        done, failed = self.done, self.failed
        left = []
        for planned in self._left:
            record = self._plan.outcome(planned)
            if record is None:
                left.append(planned)
            elif "failure" in record:
                failed += 1
            else:
                done += 1
        held = self._plan.claims.held()
        self.done, self.failed = done, failed
        self._left, self.running = left, [planned for planned in left if planned.folder in held]

    @property
    def left(self) -> int:
        """The number of cells that are not done, those that are running included."""
        return len(self._left)

    @property
    def time_left(self) -> str:
        """The time that is left if the other cells take as long as those that are done, as text."""
        ended = self.done + self.failed - self._before
        if not self.left or not ended:
            return "0 s" if not self.left else "unknown"
        seconds = round(self.left * (time.monotonic() - self._began) / ended)
        hours, minutes = seconds // 3600, seconds % 3600 // 60
        return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"

    @property
    def line(self) -> str:
        """All of it in a line."""
        total = self.done + self.failed + self.left
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done} of {total} cells done{failed}, {len(self.running)} running, time left {self.time_left}"


@contextmanager
def watch(plan: Plan, workers: int) -> Iterator[None]:
    """Show how far a sweep is while its cells are done."""
    tally, to = Tally(plan), console(stderr=True)

    def draw() -> Table:
        tally.look()
        table = Table("running", "seed", "varied", "state", "train error", title=tally.line)
        for planned in tally.running[:MOST]:
            values = ", ".join(f"{key}={value}" for key, value in planned.values.items())
            state, error = progress_of(plan.path(planned))
            table.add_row(planned.cell.name, str(planned.cell.seed), values or "nothing", state, error)
        return table

    if to.is_terminal:
        with Live(get_renderable=draw, console=to, refresh_per_second=1):
            yield
        return
    ended = threading.Event()

    def speak() -> None:
        while not ended.wait(EVERY_S):
            tally.look()
            with suppress(OSError):
                print(tally.line, file=sys.stderr, flush=True)

    speaking = threading.Thread(target=speak, daemon=True)
    speaking.start()
    try:
        yield
    finally:
        ended.set()
        speaking.join()
