"""The output of the verbs: text or one JSON object goes to stdout, and everything else to stderr."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2))


def console(stderr: bool = False, width: int | None = None) -> Console:
    """Return a console that prints what files say as it is: square brackets and colons in it are no markup."""
    from rich.console import Console

    return Console(stderr=stderr, width=width, markup=False, emoji=False)
