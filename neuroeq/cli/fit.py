"""`neuroeq fit`: fit a pulse law to measured conductances, and write it as a hardware file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuroeq.errors import SpecError
from neuroeq.units import si

from .output import FIGURE, HARDWARE, Json, check_writable, console, print_json

if TYPE_CHECKING:
    from neuroeq.measures.pulse_fit import Fit


Pulses = Annotated[
    Path,
    typer.Argument(
        help="A CSV file with the columns device, cycle, pulse, direction (up or down), and conductance_S or "
        "conductance_uS."
    ),
]
Law = Annotated[
    str,
    typer.Option(
        "--model",
        help="The pulse law: constant_step, soft_bounds, linear_step, neurosim_nl or exp_step; auto chooses the one "
        "with the fewest constants that predicts held-out curves as well as any.",
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="The hardware file to write; PULSES.toml in the current folder if left out.")
]
Figure = Annotated[
    Path | None,
    typer.Option(help="The figure of data and fit, a .png or .svg file; beside the hardware file if left out."),
]
GMin = Annotated[str | None, typer.Option(help="The lowest conductance, such as '1 uS'; from the data if left out.")]
GMax = Annotated[str | None, typer.Option(help="The highest conductance, such as '10 uS'; from the data if left out.")]
Extends = Annotated[str | None, typer.Option(help="The hardware that gives everything but the devices, such as board.")]


def fit(
    pulses: Pulses,
    model: Law = "auto",
    out: Out = None,
    figure: Figure = None,
    g_min: GMin = None,
    g_max: GMax = None,
    extends: Extends = None,
    as_json: Json = False,
) -> None:
    """Fit a pulse law to conductance against pulse number, and write it as a hardware file.

    Example: neuroeq fit pulses.csv --model soft_bounds --out mine.toml
    """
    out = out or Path(f"{pulses.stem}.toml")
    figure = figure or out.with_suffix(".png")
    if pulses.is_dir():
        raise SpecError(f"{pulses}: is a folder; expected a CSV file.")
    check_writable("--out", out, HARDWARE)
    check_writable("--figure", figure, FIGURE)
    if extends is not None:
        from neuroeq.describe.catalog import load_hardware

        load_hardware(extends)
    from neuroeq.measures.pulse_fit import fit_pulses, hardware_toml
    from neuroeq.runs.records.files import atomic
    from neuroeq.show.plots import save_fit

    found = fit_pulses(pulses, model, g_min=_conductance("--g-min", g_min), g_max=_conductance("--g-max", g_max))
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


def _conductance(option: str, text: str | None) -> float | None:
    try:
        return None if text is None else si(text, "a conductance")
    except SpecError as error:
        raise SpecError(f"{option} {error}.") from None


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
