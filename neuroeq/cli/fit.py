"""`neuroeq fit`: fit a pulse law to measured conductances, and write it as a hardware file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuroeq.errors import SpecError
from neuroeq.units import si

from .output import Json, console, print_json

if TYPE_CHECKING:
    from neuroeq.measures.pulse_fit import Fit


def fit(
    pulses: Annotated[
        Path,
        typer.Argument(
            help="A CSV file with the columns device, cycle, pulse, direction (up or down), and conductance_S or "
            "conductance_uS."
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            help="The pulse law: constant_step, soft_bounds, linear_step, neurosim_nl or exp_step; auto chooses the "
            "one with the fewest constants that predicts held-out curves as well as any."
        ),
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option(help="The hardware file to write; PULSES.toml in the current folder if left out.")
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(help="The figure of data and fit, a .png or .svg file; beside the hardware file if left out."),
    ] = None,
    g_min: Annotated[
        str | None, typer.Option(help="The lowest conductance, such as '1 uS'; from the data if left out.")
    ] = None,
    g_max: Annotated[
        str | None, typer.Option(help="The highest conductance, such as '10 uS'; from the data if left out.")
    ] = None,
    extends: Annotated[
        str | None, typer.Option(help="The hardware that gives everything but the devices, such as board.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit a pulse law to conductance against pulse number, and write it as a hardware file.

    Example: neuroeq fit pulses.csv --model soft_bounds --out mine.toml
    """
    out = out or Path(f"{pulses.stem}.toml")
    figure = figure or out.with_suffix(".png")
    _check_files(pulses, out, figure)
    if extends is not None:
        from neuroeq.describe.catalog import load_hardware

        load_hardware(extends)
    from neuroeq.measures.pulse_fit import fit_pulses, hardware_toml
    from neuroeq.runs.records.files import atomic
    from neuroeq.show.plots import save_fit

    window = {name: None if text is None else _conductance(name, text) for name, text in _named(g_min, g_max)}
    found = fit_pulses(pulses, model, **window)
    try:
        save_fit(found, figure)
        atomic(out, hardware_toml(found, extends))
    except OSError as error:
        raise SpecError(f"{error.filename}: cannot be written ({error.strerror}); name another file.") from None
    if as_json:
        print_json({**found.as_dict(), "file": str(out), "figure": str(figure)})
    else:
        _show(found)
        print(f"{out}: a hardware file; figure: {figure}")


def _named(g_min: str | None, g_max: str | None) -> tuple[tuple[str, str | None], ...]:
    return ("g_min", g_min), ("g_max", g_max)


def _conductance(name: str, text: str) -> float:
    try:
        return si(text, "a conductance")
    except SpecError as error:
        raise SpecError(f"--{name.replace('_', '-')} {error}") from None


def _check_files(pulses: Path, out: Path, figure: Path) -> None:
    """Refuse files that cannot be written, before anything is computed."""
    if pulses.is_dir():
        raise SpecError(f"{pulses}: is a folder; expected a CSV file.")
    if out.suffix != ".toml":
        raise SpecError(f"--out {out}: is no name of a hardware file; expected one that ends with .toml.")
    if figure.suffix not in (".png", ".svg"):
        raise SpecError(f"--figure {figure}: is no name of a figure; expected one that ends with .png or .svg.")
    for option, path in (("--out", out), ("--figure", figure)):
        if not path.parent.is_dir():
            raise SpecError(f"{option} {path}: there is no folder '{path.parent}'; make it, or name another file.")


def _show(found: Fit) -> None:
    from rich.table import Table

    several = len(found.errors) > 1
    if several:
        errors = Table("law", "held-out error", title="laws that were tried")
        for name, error in found.errors.items():
            errors.add_row(f"{name} (chosen)" if name == found.model else name, f"{error:.2%}")
        console().print(errors)
    table = Table("constant", "value", "95 % interval", title=f"{found.model}, from {found.source}")
    for each in found.constants:
        factor, unit = (1e6, " uS") if each.name.startswith("g_") else (1.0, "")
        interval = "" if each.low != each.low else f"{factor * each.low:.4g} to {factor * each.high:.4g}{unit}"
        table.add_row(each.name, f"{factor * each.value:.4g}{unit}", interval)
    console().print(table)
    used = found.estimate.kept.sum() / found.pulses
    print(f"data            {found.devices} devices, {found.pulses} pulses; {used:.0%} of them away from the limits")
    if found.held_out is not None:
        print(f"held-out error  {found.held_out:.2%} of the span of the data")
    for note in found.notes:
        print(f"note            {note}")
