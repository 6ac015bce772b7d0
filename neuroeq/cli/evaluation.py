"""`neuroeq eval`: test trained weights on other chips, and report the spread of their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import SUBSTRATES, DataDir, FinishedRun, Hardware, Ideal, Settings, Target, parts
from .output import Json, print_json

if TYPE_CHECKING:
    from neuroeq.runs.transfer import Transfer


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
    settings: Settings = None,
    data_dir: DataDir = None,
    target: Target = None,
    as_json: Json = False,
) -> None:
    """Test the weights of a finished run on other chips, each with devices of its own, or on another substrate.

    Example: neuroeq eval runs/digits-rate-seed0 --substrate crossbar --hardware ideal --draws 10
    """
    from neuroeq.runs.transfer import evaluate_run

    transfer = evaluate_run(
        run,
        substrate,
        hardware=hardware,
        ideal=parts(ideal),
        draws=draws,
        seed=seed,
        at=parts(at),
        settings=settings or [],
        data_dir=data_dir,
        target=target,
    )
    if as_json:
        print_json(transfer.as_dict())
    else:
        _show(transfer)


def _show(transfer: Transfer) -> None:
    from rich.console import Console
    from rich.table import Table

    from neuroeq.units import text_of

    tested_on = transfer.substrate + (f":{transfer.hardware}" if transfer.hardware else "")
    table = Table(
        *["after programming", "test error [%]", "sd [%]", "lowest [%]", "highest [%]"],
        title=f"{transfer.network} trained on {transfer.trained_on}, tested on {tested_on}: "
        f"{len(transfer.draws)} chips",
    )
    for spread in transfer.spreads:
        sd = "" if spread.sd is None else f"{100 * spread.sd:.2f}"
        time = "at once" if spread.at_s is None else text_of(spread.at_s, "s")
        table.add_row(time, f"{100 * spread.mean:.2f}", sd, f"{100 * spread.min:.2f}", f"{100 * spread.max:.2f}")
    Console().print(table)
    for spread in transfer.spreads:
        time = "" if spread.at_s is None else f" after {text_of(spread.at_s, 's')}"
        by_chip = zip(transfer.draws, spread.errors, strict=True)
        print(f"test error [%] by chip{time}  {'  '.join(f'{chip}: {100 * error:.2f}' for chip, error in by_chip)}")
    if transfer.own_error is not None:
        print(f"the run itself had            {100 * transfer.own_error:.2f} %")
