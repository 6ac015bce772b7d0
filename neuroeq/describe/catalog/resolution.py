"""Resolve a network for one substrate: with the user's changes, its models and its hardware filled in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

from neuroeq.errors import SpecError, unknown_name
from neuroeq.registry import SUBSTRATES

from ..diodes import check_diodes
from ..kinds import OWN, kind_of, made_of_hardware
from ..learnable import check_learnable
from ..reach import check_reach
from ..spec import Network, NeuronModel, Spec, SynapseModel, overlay
from ..spec.files import Table
from ..times import check_times
from .arrays import check_arrays, common, of_hardware, with_arrays, without_arrays
from .changes import as_change
from .loading import checked, load_model, load_network, on_substrate
from .matching import matched
from .technology import changed, technology, with_ideal_diodes, without_former_keys

M = TypeVar("M", NeuronModel, SynapseModel)
S = TypeVar("S", bound=Spec)


def resolve(
    network: Network | str | Path,
    substrate: str | None = None,
    settings: Sequence[str | Table] = (),
    hardware: str | None = None,
    ideal: Sequence[str] = (),
) -> Network:
    """Return a network resolved for one substrate.

    The tables of the substrate are laid over the network's own, and the changes over both. Names of models and of
    hardware are replaced by what their files contain, so that the network describes its run completely.

    Parameters
    ----------
    network
        A network, or its name or path.
    substrate
        ``"rate"``, ``"spiking"``, ``"oscillator"``, ``"crossbar"`` or ``"resistive"``; the first substrate of the file
        if left out.
    settings
        Changes such as ``"phases.beta=0.5"``, or tables of changes, in the order in which they apply. A key that
        starts with ``hardware.`` changes the hardware.
    hardware
        The hardware of a circuit, by name or path; if left out, what the file names, what all of its arrays name, or
        ``"unbounded"``. Arrays that name their own keep it, unless the network describes a run, whose hardware is then
        replaced as a whole.
    ideal
        Parts of the hardware to idealise: window, devices, diodes, amplifiers, wires, array, periphery, nudge,
        oscillators.

    Raises
    ------
    NeuroeqError
        If there is no such network, substrate or hardware, or the network is not valid with these changes.
    """
    if isinstance(network, str | Path):
        network = load_network(network)
    if not isinstance(network, Network):
        raise SpecError(
            f"network is a {type(network).__name__}; expected a name, the path of a file, or a Network, such as "
            "`neuroeq.network(...)` makes of tables."
        )
    raw = network.model_dump(by_alias=True, exclude_unset=True)
    substrate = substrate or next(iter(network.substrate))
    _lend_tables(raw["substrate"], substrate)
    if substrate not in raw["substrate"]:
        hint = f"{network.where} has: {', '.join(raw['substrate'])}."
        raise unknown_name("substrate", substrate, raw["substrate"], hint)
    changes = [as_change(change) for change in settings]
    raw = _with_changes(raw, [change for change in changes if "substrate" in change])
    new_hardware = "hardware" not in raw or hardware is not None
    raw, others = on_substrate(raw, substrate), [change for change in changes if "substrate" not in change]
    if kind_of(substrate).hardware:
        raw = _with_hardware(raw, others, hardware, ideal)
        raw = with_ideal_diodes(raw) if "diodes" in ideal else raw
    elif hardware or ideal or any(map(of_hardware, changes)):
        raise SpecError(
            f"substrate '{substrate}' has no hardware; expected one of {', '.join(made_of_hardware())}, or no hardware."
        )
    else:
        raw = _with_changes(raw, others)
    typed = [change for item, change in zip(settings, changes, strict=True) if isinstance(item, str)]
    resolved = checked(raw, f"{network.where}: substrate.{substrate}", typed or changes)
    own_nudge = not new_hardware or any("beta" in change.get("phases", {}) for change in changes)
    complete = matched(_with_models(resolved.read_from(network.path, network.where)), own_nudge)
    for check in (check_arrays, check_diodes, check_times, check_reach, check_learnable):
        check(complete)
    return complete


def _lend_tables(tables: Table, asked: str) -> None:
    """Describe a network on substrates that it does not name by the table of the kind that they are like."""
    known = [*OWN, asked] if asked not in tables and asked in SUBSTRATES.names() else OWN
    for name in known:
        like = kind_of(name).like
        if like in tables:
            tables.setdefault(name, tables[like])


def _with_hardware(raw: Table, changes: Sequence[Table], name: str | None, ideal: Sequence[str]) -> Table:
    """Return a network on a circuit after changes, with the hardware of the circuit and of its arrays in full."""
    made_before, physics = "hardware" in raw, raw["substrate"][next(iter(raw["substrate"]))]
    raw, others, arrays = without_arrays(raw, changes)
    if made_before and name is not None:
        arrays = {array: [None, *wanted[1:]] for array, wanted in arrays.items()}
    usual = physics.get("hardware", common(raw, arrays) or kind_of(next(iter(raw["substrate"]))).ideal)
    if not made_before and physics.get("hardware_changes") and name in (None, usual):
        raw["hardware"], name = changed(technology(None, usual, (), usual), physics["hardware_changes"]), None
    raw["hardware"] = without_former_keys(technology(raw.get("hardware"), name, ideal, usual), changes)
    return with_arrays(_with_changes(raw, others), arrays, ideal)


def _with_changes(raw: Table, changes: Iterable[Table]) -> Table:
    """Return a network after changes, which are laid over each other first, so that keys come in any order."""
    return overlay(raw, reduce(overlay, changes, {}))


def _with_models(network: Network) -> Network:
    """Return a network with models in the place of their names."""
    physics, path, where = network.physics, network.path, network.where

    if not network.kind.models:
        return network

    def neuron(model: str | NeuronModel | None) -> NeuronModel:
        assert model is not None
        return load_model(NeuronModel, model, path) if isinstance(model, str) else model

    def synapse(model: str | SynapseModel | None) -> SynapseModel:
        assert model is not None
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
        model = neuron(layer.neuron) if layer.neuron else None
        if layer.parameters:
            base = model or neuron(resolved.neuron)
            model = _adjusted(base, layer.parameters, f"{where}: layers.{name}.parameters")
        layers[name] = _with(layer, neuron=model, parameters={})
    projections = {
        name: _with(projection, synapse=synapse(projection.synapse)) if projection.synapse else projection
        for name, projection in network.projections.items()
    }
    found = _with(network, layers=layers, projections=projections, substrate={network.substrate_name: resolved})
    _check_native(found)
    return found


def _check_native(network: Network) -> None:
    """Refuse convolutions by a synapse model that has a weight of its own for each pair of units."""
    for name, projection in network.projections.items():
        model = network.synapse(name)
        if projection.kind == "conv" and model.native:
            raise SpecError(
                f"{network.where}: projections.{name} is a convolution, and synapse '{model.name}' runs as Brian2 "
                "Synapses, which have a weight for each pair of units; expected a model with plasticity terms, or "
                "kind = 'dense'."
            )


def _adjusted(model: M, parameters: dict[str, Any], where: str) -> M:
    """Return a model with some of its parameters replaced."""
    for name in parameters:
        if name not in model.parameters:
            hint = f"{model.name} has: {', '.join(model.parameters) or 'none'}."
            raise SpecError(f"{where}: {unknown_name('parameter', name, model.parameters, hint)}")
    return _with(model, parameters={**model.parameters, **parameters}) if parameters else model


def _with(spec: S, **changes: Any) -> S:
    return spec.model_copy(update=changes)
