"""Load networks, models and hardware, by name or path, as their files describe them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from neuroeq.errors import SpecError, unknown_name

from ..kinds import kind_of
from ..spec import Hardware, Network, NeuronModel, Substrate, SynapseModel, overlay, validate
from ..spec.files import Table
from .files import FOLDERS, Kind, find, names, shown, table_of

M = TypeVar("M", NeuronModel, SynapseModel)


def load_model(kind: type[M], name: str, beside: Path | None = None) -> M:
    """Return a neuron or a synapse model, by name or path.

    Raises
    ------
    NeuroeqError
        If there is none, or its file is not valid.
    """
    what: Kind = "neuron" if kind is NeuronModel else "synapse"
    path = find(what, name, beside)
    return validate(kind, table_of(what, path), shown(path)).read_from(path, shown(path))


def load_hardware(name: str) -> Hardware:
    """Return a technology, by name or path.

    Raises
    ------
    NeuroeqError
        If there is none, or its file is not valid.
    """
    path = find("hardware", name)
    table, where = table_of("hardware", path), shown(path)
    hardware = validate(Hardware, table, where).read_from(path, where)
    known = [key for evidence in hardware.evidence for key in evidence.keys]
    for key in _numbers(table):
        if not any(key == each or key.startswith(f"{each}.") for each in known):
            raise SpecError(
                f"{where}: {key} has no evidence; add it to the keys of an [[evidence]], with its kind (measured, fit, "
                "derived or assumed) and its source."
            )
    return hardware


def _numbers(table: Table, prefix: str = "") -> list[str]:
    """Return the dotted path of every number and physical value of a hardware's table."""
    found = []
    for key, value in table.items():
        path = f"{prefix}{key}"
        if path in ("schema", "name", "title", "source", "notes", "evidence"):
            continue
        if isinstance(value, dict):
            found += _numbers(value, f"{path}.")
        elif not isinstance(value, bool) and (not isinstance(value, str) or value[:1] in "-.0123456789"):
            found.append(path)
    return found


def load_network(name: str | Path) -> Network:
    """Return a network, by name or path, as its file describes it.

    Parameters
    ----------
    name
        A name of the catalog, or the path of a file.

    Raises
    ------
    NeuroeqError
        If there is none, or its file is not valid, on any of its substrates.
    """
    path = find("network", str(name))
    raw, where = table_of("network", path), shown(path)
    network = checked(raw, where).read_from(path, where)
    for substrate in network.substrate:
        checked(on_substrate(raw, substrate), f"{where}: substrate.{substrate}")
    return network


def load_any(name: str) -> Network | NeuronModel | SynapseModel | Hardware:
    """Return the network, neuron, synapse or hardware of a name, or the one that a path holds.

    Raises
    ------
    NeuroeqError
        If there is none, or its file is not valid.
    """
    if name.endswith(".toml"):
        table = table_of("network", find("network", name))
        if "layers" in table:
            return load_network(name)
        if "emits" in table:
            return load_model(NeuronModel, name)
        synaptic = {"transmission", "equations", "on_pre"} & table.keys()
        return load_model(SynapseModel, name) if synaptic else load_hardware(name)
    if name in names("network"):
        return load_network(name)
    if name in names("neuron"):
        return load_model(NeuronModel, name)
    if name in names("synapse"):
        return load_model(SynapseModel, name)
    if name in names("hardware"):
        return load_hardware(name)
    known = [each for kind in FOLDERS for each in names(kind)]
    raise unknown_name(
        "network, model or hardware", name, known, "`neuroeq list networks|neurons|synapses|hardware` shows all."
    )


def on_substrate(raw: Table, substrate: str) -> Table:
    """Lay a substrate's tables over the network's, and keep that substrate only."""
    physics = raw["substrate"][substrate]
    over = {key: physics[key] for key in Substrate.OVERLAYS if key in physics}
    kept = {key: value for key, value in physics.items() if key not in Substrate.OVERLAYS}
    if kind_of(substrate).hardware and "learning" not in raw.get("training", {}):
        over = overlay({"training": {"learning": "contrastive"}}, over)
    return overlay({**raw, "substrate": {substrate: kept}}, over)


def checked(raw: Table, where: str, changes: Sequence[Table] = ()) -> Network:
    """Validate; the message names the changes of the command line if there are any, since the file was valid before."""
    try:
        return validate(Network, raw, where)
    except SpecError as error:
        if not changes:
            raise
        paths = [path for change in changes for path in _paths(change)]
        culprits = [path for path in paths if path in str(error)] or paths
        raise SpecError(str(error).replace(where, f"--set {', '.join(culprits)}", 1)) from None


def _paths(table: Table, prefix: str = "") -> list[str]:
    """Return the dotted path of every value of a table."""
    paths = []
    for key, value in table.items():
        inner = _paths(value, f"{prefix}{key}.") if isinstance(value, dict) and value else [f"{prefix}{key}"]
        paths += inner
    return paths
