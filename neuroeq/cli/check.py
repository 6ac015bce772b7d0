"""`neuroeq check`: compare the update that a substrate learns with the true gradient."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import SUBSTRATES, DataDir, Hardware, Ideal, Settings, Target, parts
from .output import FIGURE, Json, check_writable, console, print_json

if TYPE_CHECKING:
    from neuroeq.measures.fidelity import Projection, Report


Substrate = Annotated[
    str | None,
    typer.Option(help=f"{SUBSTRATES}; if left out, the first of the network's file, or that of the run."),
]
Seed = Annotated[
    int | None, typer.Option(min=0, help="The seed of start weights and noise; the run's own or 0 if left out.")
]
Figure = Annotated[
    Path | None, typer.Option(help="Also draw the report into this file, whose name ends with .png or .svg.")
]
Rbp = Annotated[
    bool, typer.Option("--rbp", help="Also compare every step of the nudged phase with recurrent backpropagation.")
]


def check(
    network: Annotated[str, typer.Argument(help="A network, by name or path, or the folder of a finished run.")],
    substrate: Substrate = None,
    hardware: Hardware = None,
    ideal: Ideal = None,
    seed: Seed = None,
    samples: Annotated[int, typer.Option(min=1, help="The number of training examples in the update.")] = 8,
    settings: Settings = None,
    data_dir: DataDir = None,
    target: Target = None,
    figure: Figure = None,
    rbp: Rbp = False,
    as_json: Json = False,
) -> None:
    """Compare one update of a network with the true gradient, for each projection and bias.

    Example: neuroeq check xor --substrate resistive --hardware 1n4148
    """
    from neuroeq.runs.checking import check_network

    if figure is not None:
        check_writable("--figure", figure, FIGURE)
    report = check_network(
        network,
        substrate,
        seed=seed,
        samples=samples,
        settings=settings or [],
        hardware=hardware,
        ideal=parts(ideal),
        data_dir=data_dir,
        target=target,
        rbp=rbp,
    )
    if figure is not None:
        from neuroeq.show.plots import save_report

        save_report(report, figure)
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report)


def _show(report: Report) -> None:
    from rich.table import Table

    made_of = f" of {report.hardware}" if report.hardware else ""
    recipe = f"{report.learning}, {report.variant}, beta {report.beta:g}"
    title = f"{report.network} on {report.substrate}{made_of}: {recipe}"
    table = Table("parameter", "cosine", "norm ratio", "signs", "BPTT cosine", "adjoint error", title=title)
    for name, comparison in report.projections.items():
        table.add_row(name, *_cells(comparison))
    console().print(table)
    for line in _lines(report):
        print(line)


def _cells(comparison: Projection) -> list[str]:
    """Return the entries of the table for one parameter array."""
    error, bptt = comparison.finite_difference_error, comparison.bptt_cosine
    if comparison.norm_ratio != comparison.norm_ratio:
        return ["no gradient"]
    return [
        "no update" if comparison.norm_ratio == 0 else f"{comparison.cosine:.6f}",
        f"{comparison.norm_ratio:.4f}",
        f"{comparison.sign_agreement:.1%}",
        "" if bptt is None or bptt != bptt else f"{bptt:.6f}",
        "" if error is None else f"{error:.1e}",
    ]


def _made(report: Report) -> list[str]:
    """Return the line for what devices make of the update; none where they hold what is written."""
    if report.made_cosine is None:
        return []
    cosines = {name: each.made_cosine for name, each in report.projections.items() if each.norm_ratio > 0}
    each = ", ".join(f"{name} {_or_no_change(cosine, 3)}" for name, cosine in cosines.items())
    return [f"as devices make it        {_or_no_change(report.made_cosine, 6)} ({each})"]


def _or_no_change(cosine: float | None, digits: int) -> str:
    return f"{cosine:.{digits}f}" if cosine is not None and isfinite(cosine) else "no change"


def _examples(report: Report) -> str:
    """Return which examples are in the update, and at which weights."""
    text = f"{report.examples}"
    if report.passed_over:
        text += f", after {report.passed_over} others without a gradient: their outputs are right, or cannot move"
    if report.epoch is not None:
        text += f"; weights of epoch {report.epoch}, since later ones leave too few examples with a gradient"
    return text


def _lines(report: Report) -> list[str]:
    """Return the lines that are printed below the table, each with a name and a value."""
    finite = {beta: error for beta, error in report.errors.items() if error == error}
    errors = "  ".join(f"{beta:g}: {error:.2e}" for beta, error in finite.items())
    errors += "" if len(finite) == len(report.errors) else "  (no larger beta is stable)"
    bias = "no clear slope" if report.bias_slope is None else f"slope {report.bias_slope:.2f}"
    active = ", ".join(f"{layer} {share:.0%}" for layer, share in report.active.items())
    beyond = f", below beta{report.explanation}" if report.beyond_margin else ""
    if report.zero:
        return [
            f"examples                  {_examples(report)}",
            "the gradient is zero: in no training example is an output that can move away from its target; the network "
            "has learned all it can, or its outputs are stuck at their bounds from the start",
        ]
    lines = [
        f"examples                  {_examples(report)}",
        f"cosine of all parameters  {report.cosine:.6f}",
        *_made(report),
        f"relative error by beta    {errors}  ({bias})",
        *([] if report.suggested_beta is None else [f"suggested beta            {report.suggested_beta:g}"]),
        f"stability margin          {f'{report.margin:.3g}' if isfinite(report.margin) else 'no limit'}{beyond}",
        f"units that can move       {active}",
        f"free phase                residual {report.residual:.2e}, {'' if report.converged else 'not '}converged",
    ]
    if report.variance:
        lines.append(f"variance over repeats     {report.variance:.2e} of the squared mean")
    if report.asymmetry is not None:
        lines.append(f"asymmetry of the Jacobian {report.asymmetry:.1e}")
    if report.kinks:
        lines.append(f"units at a kink           {report.kinks}: the gradient jumps there, and references disagree")
    for trajectory in report.rbp:
        lines.append(
            f"beside backpropagation    beta {trajectory.beta:g}: states within {trajectory.state_error:.1e}, "
            f"parameters within {trajectory.parameter_error:.1e}, at every one of {len(trajectory.times)} steps"
        )
    return lines
