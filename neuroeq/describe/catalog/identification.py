"""What a file describes, told by its keys and by what it extends.

A name of the catalog stands in the folder of its kind. A path may lead to any kind: the kinds that have a file of the
name that it extends, or all of them, and among these the kinds that know most of its keys.
"""

from __future__ import annotations

from pathlib import Path

from neuroeq.errors import SpecError

from ..spec import Hardware, Network, NeuronModel, SynapseModel
from .files import FOLDERS, Kind, chain, find, names, shown

CLASSES: dict[Kind, type[Network] | type[NeuronModel] | type[SynapseModel] | type[Hardware]] = {
    "network": Network,
    "neuron": NeuronModel,
    "synapse": SynapseModel,
    "hardware": Hardware,
}
"""The description of each kind of file."""


def kinds_of(path: Path) -> tuple[Kind, ...]:
    """Return what a file may describe, likeliest first; nothing if no key of it tells.

    Raises
    ------
    SpecError
        If it cannot be read, or extends itself.
    """
    keys: set[str] = set()
    base = None
    for _, table in chain(None, path):
        keys |= table.keys()
        base = table.get("extends")
    named = [kind for kind in FOLDERS if base in names(kind)]
    common = set.intersection(*map(_keys, FOLDERS))
    known = {kind: len(keys & _keys(kind) - common) for kind in named or FOLDERS}
    if not named and not any(known.values()):
        return ()
    return tuple(kind for kind in known if known[kind] == max(known.values()))


def found(kind: Kind, name: str, beside: Path | None = None) -> Path:
    """Return the file of a name or path, like `find`, and refuse a path that leads to a file of another kind.

    Raises
    ------
    NeuroeqError
        If there is no such file, or it describes something else.
    """
    path = find(kind, name, beside)
    kinds = kinds_of(path) if name.endswith(".toml") else ()
    if kinds and kind not in kinds:
        raise SpecError(f"{shown(path)}: describes a {' or a '.join(kinds)}; expected a {kind}.")
    return path


def _keys(kind: Kind) -> set[str]:
    return {field.alias or name for name, field in CLASSES[kind].model_fields.items()}
