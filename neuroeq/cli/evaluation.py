"""`neuroeq eval`: test trained weights on other chips, and report the spread of their errors, also as curves."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuroeq.errors import SpecError

from .options import SUBSTRATES, DataDir, FinishedRun, Hardware, Ideal, Quiet, Settings, Target, Vary, parts
from .output import Json, console, print_json

if TYPE_CHECKING:
    from neuroeq.runs.transfer import Transfer

EVERY_S = 10.0
"""How often a line tells of the progress, where stderr is no terminal [s]."""


def evaluate(
    run: FinishedRun,
    substrate: Annotated[
        str | None,
        typer.Option(help=f"The substrate to test on: {SUBSTRATES}; the run's own if left out."),
    ] = None,
    hardware: Hardware = None,
    ideal: Ideal = None,
    draws: Annotated[int, typer.Option(min=1, help="The number of chips, each with devices of its own.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The seed of the first chip; the others have the next ones.")] = 0,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME,...",
            help="The times after programming at which to test, such as '1 s,1 h'; right after it if left out.",
        ),
    ] = None,
    vary: Vary = None,
    settings: Settings = None,
    data_dir: DataDir = None,
    target: Target = None,
    out: Annotated[
        Path | None, typer.Option(help="With --vary, the folder of the curves; RUN/curves if left out.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Test the weights of a finished run on other chips, each with devices of its own, or on another substrate.

    Example: neuroeq eval runs/digits-rate-seed0 --substrate crossbar --hardware ideal --draws 10

    Example: neuroeq eval runs/digits-crossbar-pcm-seed0 --vary hardware.periphery.adc_bits=4,6,8 --draws 10
    """
    options: dict[str, Any] = {
        "run": run,
        "substrate": substrate,
        "hardware": hardware,
        "ideal": parts(ideal),
        "draws": draws,
        "seed": seed,
        "at": parts(at),
        "settings": settings or [],
        "data_dir": data_dir,
        "target": target,
    }
    if vary:
        _curves(quiet, as_json, vary=vary, out=out, **options)
        return
    if out is not None:
        raise SpecError("--out: is the folder of curves, which --vary KEY=V1,V2,... asks for; leave it out.")
    transfer, status = _evaluated(quiet, **options)
    if as_json:
        print_json(transfer.as_dict())
    else:
        _show(transfer)
    raise typer.Exit(status)


def _curves(quiet: bool, as_json: bool, **options: Any) -> None:
    """Evaluate a grid, and show its table."""
    from neuroeq.runs.interruption import Interrupted
    from neuroeq.runs.sweeps import evaluate_curves

    from .sweep import show

    try:
        with _progress(quiet) as progress:
            found = evaluate_curves(**options, progress=progress)
    except Interrupted as interruption:
        print("neuroeq: interrupted; give the same command to go on with the points that are left.", file=sys.stderr)
        raise typer.Exit(interruption.status) from None
    show(found, as_json)


def _evaluated(quiet: bool, **options: Any) -> tuple[Transfer, int]:
    """Return the result, and the exit status; after Ctrl-C the result is that of the chips that are done."""
    from neuroeq.runs.interruption import Interrupted
    from neuroeq.runs.transfer import PartlyEvaluated, evaluate_run

    try:
        with _progress(quiet) as progress:
            return evaluate_run(**options, progress=progress), 0
    except PartlyEvaluated as interruption:
        _say_what_is_left(len(interruption.done.draws), options["draws"], options["seed"])
        return interruption.done, interruption.status
    except Interrupted as interruption:
        print("neuroeq: interrupted before the first chip was done.", file=sys.stderr)
        raise typer.Exit(interruption.status) from None


def _say_what_is_left(done: int, draws: int, seed: int) -> None:
    rest = f"evaluate the others with --seed {seed + done} --draws {draws - done}"
    print(f"neuroeq: interrupted; this is the result of {done} of {draws} chips, {rest}.", file=sys.stderr)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that shows how many samples are done: a bar on a terminal, a line at times elsewhere."""
    if quiet:
        yield None
        return
    from rich.progress import Progress

    to = console(stderr=True)
    with Progress(console=to, disable=not to.is_terminal) as bar:
        task, done, said = bar.add_task("evaluating", total=None), 0, time.monotonic()

        def show(n: int, more: int) -> None:
            nonlocal done, said
            done += more
            bar.update(task, total=n, completed=done)
            if not to.is_terminal and time.monotonic() - said > EVERY_S:
                said = time.monotonic()
                print(f"evaluated {done:,} of {n:,} samples", file=sys.stderr)

        yield show


def _show(transfer: Transfer) -> None:
    from rich.table import Table

    from neuroeq.runs.costs import cost_texts
    from neuroeq.units import text_of

    measure, unit = ("error", " [%]") if transfer.measure == "error" else ("RMSE", "")

    def number(error: float) -> str:
        return f"{100 * error:.2f}" if unit else f"{error:.4g}"

    tested_on = transfer.substrate + (f":{transfer.hardware}" if transfer.hardware else "")
    table = Table(
        *["after programming", f"test {measure}{unit}", *(f"{name}{unit}" for name in ("sd", "lowest", "highest"))],
        title=f"{transfer.network} trained on {transfer.trained_on}, tested on {tested_on}: "
        f"{len(transfer.draws)} chips",
    )
    for spread in transfer.spreads:
        sd = "" if spread.sd is None else number(spread.sd)
        time = "at once" if spread.at_s is None else text_of(spread.at_s, "s")
        table.add_row(time, number(spread.mean), sd, number(spread.min), number(spread.max))
    console().print(table)
    for spread in transfer.spreads:
        time = "" if spread.at_s is None else f" after {text_of(spread.at_s, 's')}"
        by_chip = zip(transfer.draws, spread.errors, strict=True)
        print(f"test {measure}{unit} by chip{time}  {'  '.join(f'{chip}: {number(error)}' for chip, error in by_chip)}")
    if transfer.compensation_reads:
        print(f"drift compensation reads     {transfer.compensation_reads:,} columns of each chip")
    for name, text in cost_texts(transfer.as_dict()):
        print(f"{name:<28} {text}")
    if transfer.own_error is not None:
        print(f"the run itself had            {number(transfer.own_error)}{' %' if unit else ''}")
