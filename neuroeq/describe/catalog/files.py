"""Find and read files by name or path, together with the files that they extend.

A name stands for a file of the user's folder or a shipped one. The user's folder is ``$NEUROEQ_HOME``, or
``~/.neuroeq`` if that is not set, with the subfolders ``networks``, ``neurons``, ``synapses`` and ``hardware``; its
files take precedence over shipped files of the same name.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Literal

from neuroeq.errors import NeuroeqError, SpecError, unknown_name

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
        if beside is not None and (beside.parent / path).exists():
            return beside.parent / path
        if path.exists():
            return path
        raise unknown_name(f"{kind} file", name, (), "Give the path of a TOML file, or a name of the catalog.")
    for folder in _folders(kind):
        path = folder / f"{name}.toml"
        if path.exists():
            return path
    hint = f"`neuroeq list {FOLDERS[kind]}` shows all."
    raise unknown_name(kind, name, names(kind), hint)


def shown(path: Path) -> str:
    """Return a path as messages show it: relative to the current folder, or to the package for shipped files."""
    for base, prefix in ((Path.cwd(), ""), (_shipped("network").parent, "models/")):
        if path.resolve().is_relative_to(base.resolve()):
            return prefix + str(path.resolve().relative_to(base.resolve()))
    return str(path)


def table_of(kind: Kind, path: Path, above: tuple[Path, ...] = ()) -> Table:
    """Read a file, and lay it over the file that it extends."""
    if path in above:
        raise SpecError(f"{shown(path)}: extends itself, by way of {', '.join(shown(p) for p in above)}.")
    raw = read(path)
    base = raw.pop("extends", None)
    raw.setdefault("name", path.stem)
    if base is None:
        return raw
    if not isinstance(base, str):
        raise SpecError(f"{shown(path)}: extends is {base!r}; expected the name or path of a {kind}.")
    try:
        below = find(kind, base, path)
    except NeuroeqError as error:
        raise SpecError(f"{shown(path)}: extends: {error}") from None
    extended = table_of(kind, below, (*above, path))
    if "evidence" in extended and "evidence" in raw:
        raw["evidence"] = [*extended["evidence"], *raw["evidence"]]
    return overlay(extended, raw)


def _folders(kind: Kind) -> list[Path]:
    home = Path(os.environ.get("NEUROEQ_HOME", "~/.neuroeq")).expanduser()
    return [home / FOLDERS[kind], _shipped(kind)]


def _shipped(kind: Kind) -> Path:
    if kind == "hardware":
        return Path(str(files("neuroeq.hardware_configs")))
    return Path(str(files("neuroeq.models"))) / FOLDERS[kind]
