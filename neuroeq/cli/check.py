"""`neuroeq check`: how good a substrate's gradient is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import Json, print_json

if TYPE_CHECKING:
    from neuroeq.measures.fidelity import Report


def check(
    network: Annotated[str, typer.Argument(help="A network, by name or path, or the folder of a finished run.")],
    substrate: Annotated[str | None, typer.Option(help="rate, spiking, crossbar or resistive.")] = None,
    hardware: Annotated[str | None, typer.Option(help="What a circuit is made of, by name or path.")] = None,
    ideal: Annotated[str | None, typer.Option(metavar="PART,...", help="Parts of the hardware to idealise.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of start weights and noise; 0 if left out.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="Training examples in the update.")] = 8,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the network or the hardware.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder that holds data sets.")] = None,
    target: Annotated[str | None, typer.Option(help="How equations become code: auto, cython or numpy.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the report into this file, PNG or SVG.")] = None,
    rbp: Annotated[
        bool, typer.Option("--rbp", help="Compare every step of the nudged phase with recurrent backpropagation.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare one update of a network with the true gradient, projection by projection.

    Example: neuroeq check xor --substrate resistive --hardware 1n4148
    """
    from neuroeq.runs.checking import check_network

    report = check_network(
        network,
        substrate,
        seed=seed,
        samples=samples,
        settings=settings or [],
        hardware=hardware,
        ideal=ideal.split(",") if ideal else (),
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
    from rich.console import Console
    from rich.table import Table

    made_of = f" of {report.hardware}" if report.hardware else ""
    how = f"{report.learning}, {report.variant}, beta {report.beta:g}"
    title = f"{report.network} on {report.substrate}{made_of}: {how}"
    table = Table("parameter", "cosine", "norm ratio", "signs", "BPTT cosine", "adjoint error", title=title)
    for name, each in report.projections.items():
        unrolled = "" if each.bptt_cosine is None else f"{each.bptt_cosine:.6f}"
        wrong = "" if each.finite_difference_error is None else f"{each.finite_difference_error:.1e}"
        signs = f"{each.sign_agreement:.1%}"
        table.add_row(name, f"{each.cosine:.6f}", f"{each.norm_ratio:.4f}", signs, unrolled, wrong)
    Console().print(table)
    for line in _lines(report):
        print(line)


def _lines(report: Report) -> list[str]:
    errors = "  ".join(f"{beta:g}: {error:.2e}" for beta, error in report.errors.items())
    bias = "no clear slope" if report.bias_slope is None else f"slope {report.bias_slope:.2f}"
    active = ", ".join(f"{layer} {share:.0%}" for layer, share in report.active.items())
    lines = [
        f"cosine of all parameters  {report.cosine:.6f}",
        f"relative error by beta    {errors}  ({bias})",
        f"suggested beta            {report.suggested_beta:g}",
        f"stability margin          {report.margin:.3g}",
        f"units that can move       {active}",
        f"free phase                residual {report.residual:.2e}, {'' if report.converged else 'not '}converged",
    ]
    if report.variance:
        lines.append(f"variance over repeats     {report.variance:.2e} of the squared mean")
    if report.asymmetry is not None:
        lines.append(f"asymmetry of the Jacobian {report.asymmetry:.1e}")
    if report.kinks:
        lines.append(f"units at a kink           {report.kinks}: the gradient jumps there, and references disagree")
    for each in report.rbp:
        lines.append(
            f"beside backpropagation    beta {each.beta:g}: states within {each.state_error:.1e}, parameters within "
            f"{each.parameter_error:.1e}, at every one of {len(each.times)} steps"
        )
    if report.zero:
        lines.append("the gradient is zero: no unit on the way to the outputs can move; try smaller initial weights")
    return lines
