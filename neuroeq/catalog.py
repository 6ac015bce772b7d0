"""Find files by name or path: shipped, in the user's folder, or anywhere; resolve what they refer to.

The user's folder is ``$NEUROEQ_HOME`` (``~/.neuroeq`` if unset), with the folders ``networks``, ``neurons``,
``synapses`` and ``hardware``; its files go before shipped ones of the same name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

from .errors import NeuroeqError, SpecError, unknown_name
from .spec import Network, NeuronModel, Spec, Substrate, SynapseModel, overlay, read, setting, validate
from .spec.files import Table

Kind = Literal["network", "neuron", "synapse", "hardware"]
FOLDERS: dict[Kind, str] = {
    "network": "networks",
    "neuron": "neurons",
    "synapse": "synapses",
    "hardware": "hardware",
}
M = TypeVar("M", NeuronModel, SynapseModel)


def names(kind: Kind) -> list[str]:
    """Return the names of all files of a kind, the user's and the shipped ones."""
    return sorted({path.stem for folder in _folders(kind) for path in folder.glob("*.toml")})


def title(kind: Kind, name: str) -> str:
    """Return what the file of a name calls itself.

    Raises
    ------
    NeuroeqError
        If there is none, or it cannot be read.
    """
    return str(_table(kind, find(kind, name)).get("title", ""))


def find(kind: Kind, name: str, beside: Path | None = None) -> Path:
    """Return the file that a name or a path stands for.

    Parameters
    ----------
    kind
        What it describes.
    name
        A name of the catalog, or a path that ends with ``.toml``.
    beside
        The file that refers to it; relative paths start there.

    Raises
    ------
    UnknownNameError
        If nothing goes by that name.
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


def load_model(kind: type[M], name: str, beside: Path | None = None) -> M:
    """Return a neuron or a synapse model, by name or path.

    Raises
    ------
    NeuroeqError
        If there is none, or its file is not valid.
    """
    what: Kind = "neuron" if kind is NeuronModel else "synapse"
    path = find(what, name, beside)
    return validate(kind, _table(what, path), shown(path)).read_from(path, shown(path))


def load_any(name: str) -> Network | NeuronModel | SynapseModel:
    """Return the network, neuron or synapse of a name, or the one that a path holds.

    Raises
    ------
    NeuroeqError
        If there is none, or its file is not valid.
    """
    if name.endswith(".toml"):
        table = _table("network", find("network", name))
        if "layers" in table:
            return load_network(name)
        return load_model(NeuronModel, name) if "emits" in table else load_model(SynapseModel, name)
    if name in names("network"):
        return load_network(name)
    if name in names("neuron"):
        return load_model(NeuronModel, name)
    if name in names("synapse"):
        return load_model(SynapseModel, name)
    known = [each for kind in FOLDERS for each in names(kind)]
    raise unknown_name("network or model", name, known, "`neuroeq list networks|neurons|synapses` shows all.")


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
    raw, where = _table("network", path), shown(path)
    network = _checked(raw, where).read_from(path, where)
    for substrate in network.substrate:
        _checked(_on(raw, substrate), f"{where}: substrate.{substrate}")
    return network


def resolve(
    network: Network | str | Path, substrate: str | None = None, settings: Sequence[str | Table] = ()
) -> Network:
    """Return a network as one substrate plays it.

    The substrate's tables are laid over the network's, changes over both, and the models stand in it in full, so
    that it describes its run completely.

    Parameters
    ----------
    network
        A network, or its name or path.
    substrate
        ``"rate"`` or ``"spiking"``; the first of the file if left out.
    settings
        Changes, as ``"phases.beta=0.5"`` or as tables, in their order.

    Raises
    ------
    NeuroeqError
        If there is none, or it is not valid so.
    """
    if not isinstance(network, Network):
        network = load_network(network)
    substrate = substrate or next(iter(network.substrate))
    if substrate not in network.substrate:
        hint = f"{network.where} has: {', '.join(network.substrate)}."
        raise unknown_name("substrate", substrate, network.substrate, hint)
    changes = _changes(settings)
    raw = network.model_dump(by_alias=True, exclude_unset=True)
    raw = _laid(raw, [change for change in changes if "substrate" in change])
    raw = _laid(_on(raw, substrate), [change for change in changes if "substrate" not in change])
    resolved = _checked(raw, f"{network.where}: substrate.{substrate}", changes)
    return _with_models(resolved.read_from(network.path, network.where))


def shown(path: Path) -> str:
    """Return a path as messages show it: from here, or from the package for shipped files."""
    for base, prefix in ((Path.cwd(), ""), (_shipped("network").parent, "models/")):
        if path.resolve().is_relative_to(base.resolve()):
            return prefix + str(path.resolve().relative_to(base.resolve()))
    return str(path)


def _shipped(kind: Kind) -> Path:
    if kind == "hardware":
        return Path(str(files("neuroeq.hardware_configs")))
    return Path(str(files("neuroeq.models"))) / FOLDERS[kind]


def _folders(kind: Kind) -> list[Path]:
    home = Path(os.environ.get("NEUROEQ_HOME", "~/.neuroeq")).expanduser()
    return [home / FOLDERS[kind], _shipped(kind)]


def _table(kind: Kind, path: Path, above: tuple[Path, ...] = ()) -> Table:
    """Read a file and lay it over what it extends."""
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
    return overlay(_table(kind, below, (*above, path)), raw)


def _laid(raw: Table, changes: Iterable[Table]) -> Table:
    for change in changes:
        raw = overlay(raw, change)
    return raw


def _changes(settings: Sequence[str | Table]) -> list[Table]:
    return [setting(change) if isinstance(change, str) else change for change in settings]


def _on(raw: Table, substrate: str) -> Table:
    """Lay a substrate's tables over the network's, and keep that substrate only."""
    physics = raw["substrate"][substrate]
    over = {key: physics[key] for key in Substrate.OVERLAYS if key in physics}
    kept = {key: value for key, value in physics.items() if key not in Substrate.OVERLAYS}
    return overlay({**raw, "substrate": {substrate: kept}}, over)


def _checked(raw: Table, where: str, changes: Sequence[Table] = ()) -> Network:
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


def _with_models(network: Network) -> Network:
    """Put the models themselves where their names stood."""
    physics, path, where = network.physics, network.path, network.where

    def neuron(model: str | NeuronModel) -> NeuronModel:
        return load_model(NeuronModel, model, path) if isinstance(model, str) else model

    def synapse(model: str | SynapseModel) -> SynapseModel:
        return load_model(SynapseModel, model, path) if isinstance(model, str) else model

    encoder = physics.input
    if encoder != "analog":
        encoder = _adjusted(neuron(encoder), physics.input_parameters, f"{where}: input_parameters")
    resolved = _with(
        physics,
        neuron=_adjusted(neuron(physics.neuron), physics.neuron_parameters, f"{where}: neuron_parameters"),
        synapse=_adjusted(synapse(physics.synapse), physics.synapse_parameters, f"{where}: synapse_parameters"),
        input=encoder,
        neuron_parameters={},
        synapse_parameters={},
        input_parameters={},
    )
    layers = {}
    for name, layer in network.layers.items():
        own = neuron(layer.neuron) if layer.neuron else None
        if layer.parameters:
            base = own or neuron(resolved.neuron)
            own = _adjusted(base, layer.parameters, f"{where}: layers.{name}.parameters")
        layers[name] = _with(layer, neuron=own, parameters={})
    projections = {
        name: _with(projection, synapse=synapse(projection.synapse)) if projection.synapse else projection
        for name, projection in network.projections.items()
    }
    return _with(network, layers=layers, projections=projections, substrate={network.substrate_name: resolved})


def _adjusted(model: M, parameters: dict[str, Any], where: str) -> M:
    """Return a model with other values for some of its parameters."""
    for name in parameters:
        if name not in model.parameters:
            hint = f"{model.name} has: {', '.join(model.parameters) or 'none'}."
            raise SpecError(f"{where}: {unknown_name('parameter', name, model.parameters, hint)}")
    return _with(model, parameters={**model.parameters, **parameters}) if parameters else model


S = TypeVar("S", bound=Spec)


def _with(spec: S, **changes: Any) -> S:
    return spec.model_copy(update=changes)
