"""Load networks, models and hardware by name or path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, assert_never

from neuroeq.errors import SpecError, unknown_name

from ..kinds import kind_of
from ..spec import Hardware, Network, NeuronModel, Substrate, SynapseModel, overlay, validate
from ..spec.files import Table
from .files import FOLDERS, Kind, find, names, shown, table_of
from .identification import found, kinds_of

M = TypeVar("M", NeuronModel, SynapseModel)


def load_model(kind: type[M], name: str, beside: Path | None = None) -> M:
    """Return the neuron model or the synapse model of a name or path.

    Raises
    ------
    NeuroeqError
        If there is no such model, or its file is not valid.
    """
    folder_kind: Kind = "neuron" if kind is NeuronModel else "synapse"
    path = found(folder_kind, name, beside)
    return validate(kind, table_of(folder_kind, path), shown(path)).read_from(path, shown(path))


def load_hardware(name: str) -> Hardware:
    """Return the hardware of a name or path.

    Raises
    ------
    NeuroeqError
        If there is no such hardware, its file is not valid, or a number in it has no evidence.
    """
    path = found("hardware", name)
    table, where = table_of("hardware", path), shown(path)
    hardware = validate(Hardware, table, where).read_from(path, where)
    covered = [key for evidence in hardware.evidence for key in evidence.keys]
    for key in _numbers(table):
        if not any(key == parent or key.startswith(f"{parent}.") for parent in covered):
            raise SpecError(
                f"{where}: {key} has no evidence; add it to the keys of an [[evidence]], with its kind (measured, fit, "
                "derived or assumed) and its source."
            )
    return hardware


def _numbers(table: Table, prefix: str = "") -> list[str]:
    """Return the dotted paths of all numbers and physical values in the table of a hardware file."""
    paths = []
    for key, value in table.items():
        path = f"{prefix}{key}"
        if path in ("schema", "name", "title", "source", "notes", "evidence"):
            continue
        if isinstance(value, dict):
            paths += _numbers(value, f"{path}.")
        elif not isinstance(value, bool) and (not isinstance(value, str) or value[:1] in "-.0123456789"):
            paths.append(path)
    return paths


def load_network(name: str | Path) -> Network:
    """Return the network of a name or path, as its file describes it.

    Parameters
    ----------
    name
        A name in the catalog, or the path of a file.

    Raises
    ------
    NeuroeqError
        If there is no such network, or its file is not valid on one of its substrates.
    """
    path = found("network", str(name))
    raw, where = table_of("network", path), shown(path)
    return validated(raw, where).read_from(path, where)


def validated(raw: Table, where: str) -> Network:
    """Return a network whose tables are valid on every substrate that they name.

    Raises
    ------
    SpecError
        At the first thing that is not allowed.
    """
    network = checked(raw, where)
    for substrate in network.substrate:
        checked(on_substrate(raw, substrate), f"{where}: substrate.{substrate}")
    return network


def load_any(name: str) -> Network | NeuronModel | SynapseModel | Hardware:
    """Return the network, neuron model, synapse model or hardware of a name or path.

    Raises
    ------
    NeuroeqError
        If there is nothing of that name, or its file is not valid.
    """
    for kind in _kinds(name):
        match kind:
            case "network":
                return load_network(name)
            case "neuron":
                return load_model(NeuronModel, name)
            case "synapse":
                return load_model(SynapseModel, name)
            case "hardware":
                return load_hardware(name)
            case _:
                assert_never(kind)
    known = [known_name for kind in FOLDERS for known_name in names(kind)]
    raise unknown_name(
        "network, model or hardware", name, known, "`neuroeq list networks|neurons|synapses|hardware` shows all."
    )


def _kinds(name: str) -> Sequence[Kind]:
    """Return what a name or a path may stand for, likeliest first."""
    if not name.endswith(".toml"):
        return [kind for kind in FOLDERS if name in names(kind)]
    path = find("network", name)
    kinds = kinds_of(path)
    if not kinds:
        raise SpecError(
            f"{shown(path)}: has no key that tells what it describes; expected a network (with layers), a neuron (with "
            "emits), a synapse (with transmission or on_pre) or hardware (with synapse, neuron, array or oscillators)."
        )
    return kinds


def on_substrate(raw: Table, substrate: str) -> Table:
    """Lay the tables of one substrate over the network's own, and leave out all other substrates."""
    physics = raw["substrate"][substrate]
    overrides = {key: physics[key] for key in Substrate.OVERLAYS if key in physics}
    rest = {key: value for key, value in physics.items() if key not in Substrate.OVERLAYS}
    if kind_of(substrate).on_devices and "learning" not in raw.get("training", {}):
        overrides = overlay({"training": {"learning": "contrastive"}}, overrides)
    return overlay({**raw, "substrate": {substrate: rest}}, overrides)


def checked(raw: Table, where: str, changes: Sequence[Table] = ()) -> Network:
    """Return a validated network; if it is not valid, the message blames the changes, since the file itself is valid.

    Parameters
    ----------
    raw
        The table of the network, with the changes laid over it.
    where
        The file of the network, as messages show it.
    changes
        Changes that the user made on the command line or in Python.

    Raises
    ------
    SpecError
        If the network is not valid.
    """
    try:
        return validate(Network, raw, where)
    except SpecError as error:
        if not changes:
            raise
        paths = [path for change in changes for path in _paths(change)]
        culprits = [path for path in paths if path in str(error)] or paths
        raise SpecError(str(error).replace(where, f"--set {', '.join(culprits)}", 1)) from None


def _paths(table: Table, prefix: str = "") -> list[str]:
    """Return the dotted paths of all values of a table."""
    paths = []
    for key, value in table.items():
        inner = _paths(value, f"{prefix}{key}.") if isinstance(value, dict) and value else [f"{prefix}{key}"]
        paths += inner
    return paths
