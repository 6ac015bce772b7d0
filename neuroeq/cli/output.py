"""The output of the verbs: text or one JSON object goes to stdout, and everything else to stderr."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuroeq.errors import SpecError

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]


@dataclass(frozen=True)
class FileKind:
    """A kind of file that a verb writes.

    Parameters
    ----------
    name
        What the file is, for messages.
    suffixes
        The ends that its name may have.
    """

    name: str
    suffixes: tuple[str, ...]


FIGURE = FileKind("a figure", (".png", ".svg"))
HARDWARE = FileKind("a hardware file", (".toml",))


def check_writable(option: str, path: Path, kind: FileKind) -> None:
    """Refuse a file that cannot be written, before anything is computed."""
    if path.suffix not in kind.suffixes:
        expected = " or ".join(kind.suffixes)
        raise SpecError(f"{option} {path}: is no name of {kind.name}; expected one that ends with {expected}.")
    if not path.parent.is_dir():
        raise SpecError(f"{option} {path}: there is no folder '{path.parent}'; make it, or name another file.")


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2))


def console(stderr: bool = False, width: int | None = None) -> Console:
    """Return a console that prints what files say as it is: square brackets and colons in it are no markup."""
    from rich.console import Console

    return Console(stderr=stderr, width=width, markup=False, emoji=False)
