"""The command line: one file a verb; this one puts them together and turns errors into one sentence and a status."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import typer

from neuroeq.errors import NeuroeqError

from . import check, compare, evaluation, export, listing, plot, run, show

app = typer.Typer(
    name="neuroeq",
    help="Equilibrium Propagation on neuromorphic substrates: one network as rates, spikes and circuits.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("eval")(evaluation.evaluate)
app.command("compare")(compare.compare)
app.command("check")(check.check)
app.command("plot")(plot.plot)
app.command("export")(export.export)
app.command("list")(listing.list_names)
app.command("show")(show.show)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Parameters
    ----------
    arguments
        Instead of those of the process.
    """
    warnings.showwarning = _say  # type: ignore[assignment]
    try:
        status = app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except NeuroeqError as error:
        _fail(str(error))
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer raises for an option that does not exist, or the like
            raise
        _fail(f"{error.format_message()} See `neuroeq --help`.")
    sys.exit(status if isinstance(status, int) else 0)


def _fail(sentence: str) -> None:
    print(f"neuroeq: {sentence}", file=sys.stderr)
    sys.exit(2)


def _say(message: Any, *_: Any) -> None:
    print(f"neuroeq: warning: {message}", file=sys.stderr)
