"""Find and read files by name or path, together with the files that they extend.

A name stands for a file of the user's folder or a shipped one. The user's folder is ``$NEUROEQ_HOME``, or
``~/.neuroeq`` if that is not set, with the subfolders ``networks``, ``neurons``, ``synapses`` and ``hardware``; its
files take precedence over shipped files of the same name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Literal

from neuroeq.errors import NeuroeqError, SpecError, given, unknown_name

from ..spec import overlay, read
from ..spec.files import Table

Kind = Literal["network", "neuron", "synapse", "hardware"]
FOLDERS: dict[Kind, str] = {
    "network": "networks",
    "neuron": "neurons",
    "synapse": "synapses",
    "hardware": "hardware",
}


def names(kind: Kind) -> list[str]:
    """Return the names of all files of a kind, both the user's and the shipped ones."""
    return sorted({path.stem for folder in _folders(kind) for path in folder.glob("*.toml")})


def title(kind: Kind, name: str) -> str:
    """Return the title that the file of a name gives itself.

    Raises
    ------
    NeuroeqError
        If there is no such file, or it cannot be read.
    """
    return str(table_of(kind, find(kind, name)).get("title", ""))


def find(kind: Kind, name: str, beside: Path | None = None) -> Path:
    """Return the file that a name or a path stands for.

    Parameters
    ----------
    kind
        What the file describes: a network, a neuron, a synapse or hardware.
    name
        A name in the catalog, or a path that ends with ``.toml``.
    beside
        The file that refers to this one; a relative path is looked for in its folder first.

    Raises
    ------
    UnknownNameError
        If there is no file of that name or path.
    """
    if name.endswith(".toml"):
        path = Path(name).expanduser()
        places = [path] if beside is None else [beside.parent / path, path]
        found = next((place for place in places if _exists(place)), None)
        if found is not None:
            return found
        raise unknown_name(f"{kind} file", name, (), "Give the path of a TOML file, or a name of the catalog.")
    for folder in _folders(kind):
        path = folder / f"{name}.toml"
        if path.parent == folder and _exists(path):
            return path
    hint = f"`neuroeq list {FOLDERS[kind]}` shows all."
    raise unknown_name(kind, name, names(kind), hint)


def shown(path: Path) -> str:
    """Return a path as messages show it: relative to the current folder, or to the package for shipped files."""
    for base, prefix in ((Path.cwd(), ""), (_shipped("network").parent, "models/")):
        if path.resolve().is_relative_to(base.resolve()):
            return prefix + str(path.resolve().relative_to(base.resolve()))
    return str(path)


def table_of(kind: Kind, path: Path) -> Table:
    """Read a file, and lay it over the file that it extends, which may extend another.

    Raises
    ------
    SpecError
        If one of the files cannot be read, or they extend each other in a circle.
    """
    tables: list[Table] = []
    for at, raw in chain(kind, path):
        raw.setdefault("name", at.stem)
        if raw.pop("extends", None) is not None and raw.get("bounds") == {}:
            raise SpecError(f"{shown(at)}: bounds is empty and changes nothing; write bounds = 'none' for no bounds.")
        tables.append(raw)
    table = tables.pop()
    while tables:
        over = tables.pop()
        if "evidence" in table and "evidence" in over:
            over["evidence"] = [*table["evidence"], *over["evidence"]]
        if "notes" in over:  # which no longer say what the notes below did
            table.pop("explained", None)
        table = overlay(table, over)
    if table.get("bounds") == "none":
        table["bounds"] = {}
    return table


def chain(kind: Kind | None, path: Path) -> Iterator[tuple[Path, Table]]:
    """Yield a file with its table, then the file that it extends, and so on.

    Parameters
    ----------
    kind
        What the files describe; if it is None, names of the catalog are not followed, but paths are.
    path
        The file to begin with.

    Raises
    ------
    SpecError
        If one of the files cannot be read, or they extend each other in a circle.
    """
    above: list[Path] = []
    while True:
        if path.resolve() in above:
            raise SpecError(f"{shown(path)}: extends itself, by way of {', '.join(map(shown, above))}.")
        above.append(path.resolve())
        raw = read(path)
        base = raw.get("extends")
        yield path, raw
        if base is None or (kind is None and not str(base).endswith(".toml")):
            return
        if not isinstance(base, str):
            raise SpecError(f"{shown(path)}: extends is {given(base)}; expected a name or the path of a file.")
        try:
            path = find(kind or "network", base, path)
        except NeuroeqError as error:
            raise SpecError(f"{shown(path)}: extends: {error}") from None


def _exists(path: Path) -> bool:
    """Whether there is a file of that path, which may be too long for one."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _folders(kind: Kind) -> list[Path]:
    home = Path(os.environ.get("NEUROEQ_HOME", "~/.neuroeq")).expanduser()
    return [home / FOLDERS[kind], _shipped(kind)]


def _shipped(kind: Kind) -> Path:
    if kind == "hardware":
        return Path(str(files("neuroeq.hardware_configs")))
    return Path(str(files("neuroeq.models"))) / FOLDERS[kind]
