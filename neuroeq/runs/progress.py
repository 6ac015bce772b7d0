"""Progress of a training: a bar in a notebook or on a terminal, and some lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from neuroeq.learning.state import Step

from .costs import error_text
from .session import Progress, Row

EVERY_S = 0.2
"""The shortest time between two pictures of a bar in a notebook [s]."""


def shown(progress: Progress | bool | None) -> AbstractContextManager[Progress | None]:
    """Return a context that gives the function to call with each step, which shows progress if `progress` is True."""
    if not isinstance(progress, bool):
        return nullcontext(progress)
    if not progress:
        return nullcontext(None)
    return _in_notebook() if notebook() else _on_terminal()


def notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get is not None and "IPKernelApp" in (getattr(get(), "config", None) or {})


@contextmanager
def _in_notebook() -> Iterator[Progress]:
    """Yield a function that draws a bar below the cell, which needs no widgets, and leaves the last picture there."""
    from IPython.display import HTML, display  # type: ignore[import-not-found]

    begun, drawn, errors, latest = time.monotonic(), 0.0, "", "preparing"
    picture: Any = display(HTML(latest), display_id=True)

    def show(step: Step, row: Row | None) -> None:
        nonlocal drawn, errors, latest
        errors = errors if row is None else errors_of(row)
        done, total = step.epoch * step.n_batches + step.batch + 1, step.n_epochs * step.n_batches
        now = time.monotonic()
        left = (now - begun) * (total - done) / done
        bar = f'<progress value="{done}" max="{total}" style="width: 20em"></progress>'
        times = f"{now - begun:.0f} s, {left:.0f} s left"
        latest = f"{bar} epoch {step.epoch + 1} of {step.n_epochs}, {times}{', ' if errors else ''}{errors}"
        if now - drawn > EVERY_S:
            picture.update(HTML(latest))
            drawn = now

    yield show
    picture.update(HTML(latest))


@contextmanager
def _on_terminal() -> Iterator[Progress]:
    """Yield a function that shows a bar on a terminal, and elsewhere some lines on stderr."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, markup=False, emoji=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[errors]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("preparing", total=None, errors="")

        def show(step: Step, row: Row | None) -> None:
            bar.update(task, description=f"epoch {step.epoch + 1}", total=step.n_epochs * step.n_batches)
            bar.update(task, completed=step.epoch * step.n_batches + step.batch + 1)
            if row is not None:
                errors = errors_of(row)
                bar.update(task, errors=errors)
                if not console.is_terminal and _worth_a_line(step):
                    print(f"epoch {step.epoch + 1}/{step.n_epochs}: {errors}", file=sys.stderr)

        yield show


def errors_of(row: Row) -> str:
    """Return the errors of an epoch in words."""
    texts = {part: error_text(row, part) for part in ("train", "validation")}
    return ", ".join(f"{part} {text}" for part, text in texts.items() if text)


def _worth_a_line(step: Step) -> bool:
    """Whether an epoch is one of the roughly twenty that are reported as a line."""
    every = max(1, step.n_epochs // 20)
    return (step.epoch + 1) % every == 0 or step.epoch + 1 == step.n_epochs
