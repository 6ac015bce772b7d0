"""`neuroeq eval`: trained weights on other chips, with their spread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import Json, print_json

if TYPE_CHECKING:
    from neuroeq.runs.transfer import Transfer


def evaluate(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    substrate: Annotated[
        str | None, typer.Option(help="Where its weights are tested: rate, spiking, crossbar or resistive.")
    ] = None,
    hardware: Annotated[str | None, typer.Option(help="What a circuit is made of, by name or path.")] = None,
    ideal: Annotated[str | None, typer.Option(metavar="PART,...", help="Parts of the hardware to idealise.")] = None,
    draws: Annotated[int, typer.Option(min=1, help="How many chips.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the first chip; the others follow it.")] = 0,
    at: Annotated[
        str | None, typer.Option(metavar="TIME,...", help="Times after programming, such as '1 s,1 h'.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the network or the hardware.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder that holds data sets.")] = None,
    target: Annotated[str | None, typer.Option(help="How equations become code: auto, cython or numpy.")] = None,
    as_json: Json = False,
) -> None:
    """Test the weights of a finished run on other chips, each with its own devices, or on another substrate.

    Example: neuroeq eval runs/digits-rate-seed0 --substrate crossbar --hardware ideal --draws 10
    """
    from neuroeq.runs.transfer import evaluate_run

    found = evaluate_run(
        run,
        substrate,
        hardware=hardware,
        ideal=ideal.split(",") if ideal else (),
        draws=draws,
        seed=seed,
        at=[each.strip() for each in at.split(",")] if at else (),
        settings=settings or [],
        data_dir=data_dir,
        target=target,
    )
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found)


def _show(found: Transfer) -> None:
    from rich.console import Console
    from rich.table import Table

    from neuroeq.units import text_of

    on = found.substrate + (f":{found.hardware}" if found.hardware else "")
    table = Table(
        *["after programming", "test error [%]", "sd [%]", "lowest [%]", "highest [%]"],
        title=f"{found.network} trained on {found.trained_on}, tested on {on}: {len(found.draws)} chips",
    )
    for each in found.spreads:
        sd = "" if each.sd is None else f"{100 * each.sd:.2f}"
        time = "at once" if each.at_s is None else text_of(each.at_s, "s")
        table.add_row(time, f"{100 * each.mean:.2f}", sd, f"{100 * each.min:.2f}", f"{100 * each.max:.2f}")
    Console().print(table)
    for each in found.spreads:
        time = "" if each.at_s is None else f" after {text_of(each.at_s, 's')}"
        errors = "  ".join(f"{draw}: {100 * error:.2f}" for draw, error in zip(found.draws, each.errors, strict=True))
        print(f"test error [%] by chip{time}  {errors}")
    if found.own_error is not None:
        print(f"the run itself had            {100 * found.own_error:.2f} %")
