"""The command line: a file for each verb, and here an error becomes one sentence on stderr and an exit status.

May import every other wing.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from neuroeq.errors import NeuroeqWarning

from . import check, compare, evaluation, export, fit, import_, listing, plot, run, show, sweep
from .ending import endings, prepare_streams


class Verbs(TyperGroup):
    """The verbs, of which `sweep cell` is one of two words, with options of its own."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: D102
        return super().resolve_command(ctx, [TWO_WORDS, *args[2:]] if " ".join(args[:2]) == TWO_WORDS else args)


def _show_version(asked: bool) -> None:
    """Print the version and those of what results depend on, and end."""
    if asked:
        from neuroeq.runs.records import versions

        found = versions()
        print(f"neuroeq {found.pop('neuroeq')} ({', '.join(' '.join(each) for each in found.items())})")
        raise typer.Exit


TWO_WORDS = "sweep cell"
Version = typer.Option(
    "--version", is_eager=True, callback=_show_version, help="Show the version, and those of what results depend on."
)
app = typer.Typer(
    cls=Verbs,
    name="neuroeq",
    help="Equilibrium Propagation on neuromorphic substrates: train one network as rates, as spikes or as a circuit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(version: Annotated[bool, Version] = False) -> None:
    """Take the options that stand before a verb."""


app.command("run")(run.run)
app.command("eval")(evaluation.evaluate)
app.command("compare")(compare.compare)
app.command("sweep")(sweep.sweep)
app.command(TWO_WORDS, hidden=True)(sweep.do_cell)
app.command("check")(check.check)
app.command("plot")(plot.plot)
app.command("export")(export.export)
app.command("import")(import_.import_)
app.command("fit")(fit.fit)
app.command("list")(listing.list_names)
app.command("show")(show.show)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Parameters
    ----------
    arguments
        The arguments after the name of the program; those of the process if left out.

    Raises
    ------
    SystemExit
        Always, with the exit status: 0 if the verb succeeded, 2 after a mistake of the user, 1 if the system failed,
        and 130 if interrupted.
    """
    warnings.showwarning = _warn  # type: ignore[assignment]
    with endings():
        prepare_streams()
        status = app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        sys.stdout.flush()
    sys.exit(status if isinstance(status, int) else 0)


def _warn(message: Any, category: type[Warning], *_: Any) -> None:
    """Print warnings about networks and numbers; those of libraries, which users cannot mend, only if asked by -W."""
    if issubclass(category, NeuroeqWarning | RuntimeWarning) or sys.warnoptions:
        print(f"neuroeq: warning: {message}", file=sys.stderr)
