"""Arrays with hardware of their own: their devices and wires, in a circuit of the run's hardware.

An array takes from its hardware ``synapse``, ``array``, ``periphery.write_time``, ``periphery.write_energy`` and the
scale of its weights, which is ``r_f``, ``w_max``, ``headroom`` and ``bias_gain`` of ``neuron.integrator``. All else
belongs to the circuit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neuroeq.errors import SpecError

from ..spec import Network
from ..spec.files import Table
from ..spec.hardware import OF_ARRAY, OF_WRITING
from ..spec.oscillators import Oscillators
from .loading import load_hardware
from .technology import changed, technology

Asked = dict[str, list[Any]]
NONE = "none"
"""What stands for the hardware of the run, in a change."""


def of_hardware(change: Table) -> bool:
    """Return whether a change is one of the hardware of a circuit or of an array."""
    return "hardware" in change or any(_wanted(change, name) for name in _projections(change))


def without_arrays(raw: Table, changes: Sequence[Table]) -> tuple[Table, list[Table], Asked]:
    """Return a network and changes without the hardware of arrays, and by projection what they ask for.

    Parameters
    ----------
    raw
        The table of a network on one substrate.
    changes
        Tables that are laid over it, in their order.
    """
    names, asked = list(raw["projections"]), {}
    for name in names:
        found = [_wanted(table, name) for table in (raw, *changes)]
        if any(found):
            asked[name] = [found[0], *filter(None, found[1:])]
    return _stripped(raw, names), [_stripped(change, names) for change in changes], asked


def common(raw: Table, asked: Asked) -> str | None:
    """Return the name of the hardware that all arrays ask for; None if they do not ask for the same."""
    last = [asked.get(name, [None])[-1] for name in raw["projections"]]
    return last[0] if isinstance(last[0], str) and last[0] != NONE and all(each == last[0] for each in last) else None


def with_arrays(raw: Table, asked: Asked, ideal: Sequence[str]) -> Table:
    """Return the table of a network with the hardware of its arrays in full; without, where it is that of the run.

    Parameters
    ----------
    raw
        The table of a network, with the hardware of the run in full.
    asked
        By projection, the hardware that the network names or contains, and the names and tables that changes ask for.
    ideal
        The parts of the hardware to idealise.

    Raises
    ------
    NeuroeqError
        If there is no such hardware.
    """
    projections = dict(raw["projections"])
    for name, (first, *changes) in asked.items():
        own = _named(first) if isinstance(first, str) else first
        for change in changes:
            own = _named(change) if isinstance(change, str) else changed(own or raw["hardware"], change)
        if own is not None:
            own = _part(technology(own, None, ideal, NONE))
            if not _same(own, _part(raw["hardware"])):
                projections[name] = {**projections[name], "hardware": own}
    return {**raw, "projections": projections}


def check_arrays(network: Network) -> None:
    """Refuse arrays that do not work in their circuit, and hardware of another kind than the substrate.

    Raises
    ------
    SpecError
        If hardware describes devices where there are none, or oscillators alone where there are devices; if there are
        capacitors beside other elements, whose charges and currents do not add; or if drift is compensated where
        arrays have no output of their own or share their biases.
    """
    _check_kind(network)
    if not network.kind.on_devices:
        return
    for name in network.projections if network.kind.conductances else ():
        if network.array(name).array.drift_compensation != "none":
            raise SpecError(
                f"{network.array(name).where}: array.drift_compensation is "
                f"'{network.array(name).array.drift_compensation}', which scales what each array gives, and in a "
                "resistor network devices share their nodes; use 'none', or substrate crossbar."
            )
    for name, projection in network.projections.items() if network.kind.pairs else ():
        target = network.layers[projection.target]
        bias = target.shape is not None and target.bias and network.home(f"{projection.target}.bias") == name
        if network.array(name).array.drift_compensation != "none" and projection.kind == "dense" and bias:
            raise SpecError(
                f"{network.array(name).where}: array.drift_compensation is "
                f"'{network.array(name).array.drift_compensation}', and the biases in the array of projections.{name} "
                f"are shared by the channels of layer '{projection.target}'; use 'none', or bias = false there."
            )
    elements = {name: network.array(name).synapse.element for name in network.projections}
    capacitors = [name for name, element in elements.items() if element == "capacitor"]
    if capacitors and len(capacitors) < len(elements):
        other = next(name for name in elements if name not in capacitors)
        raise SpecError(
            f"{network.where}: projections.{capacitors[0]} has capacitors ({network.array(capacitors[0]).where}), and "
            f"projections.{other} has none ({network.array(other).where}); a node adds up either charges or currents, "
            "so choose hardware of one kind for all arrays."
        )


def _check_kind(network: Network) -> None:
    if not network.kind.hardware:
        return
    hardware, on = network.technology, network.substrate_name
    if network.kind.on_devices and hardware.oscillators != Oscillators() and not hardware.circuit:
        raise SpecError(
            f"hardware '{hardware.name}' describes oscillators, and substrate '{on}' has none; expected hardware of a "
            "circuit, such as 'ideal'."
        )
    if not network.kind.on_devices and hardware.circuit:
        raise SpecError(
            f"hardware '{hardware.name}' describes a circuit ({', '.join(hardware.circuit)}), and substrate '{on}' is "
            f"none; expected hardware of oscillators, such as '{network.kind.ideal}'."
        )


def _named(name: str) -> Table | None:
    return None if name == NONE else load_hardware(name).model_dump(by_alias=True, exclude_unset=True)


def _part(table: Table) -> Table:
    """Return what an array takes from some hardware."""
    kept = {key: value for key, value in table.items() if key not in ("neuron", "periphery", "temperature", "evidence")}
    integrator = table.get("neuron", {}).get("integrator", {})
    scale = {key: value for key, value in integrator.items() if key in OF_ARRAY}
    if scale:
        kept["neuron"] = {"integrator": scale}
    writing = {key: value for key, value in table.get("periphery", {}).items() if key in OF_WRITING}
    if writing:
        kept["periphery"] = writing
    return kept


def _same(one: Table, other: Table) -> bool:
    aside = ("schema", "name", "title", "source", "notes")
    return all(one.get(key, {}) == other.get(key, {}) for key in {*one, *other} if key not in aside)


def _projections(table: Table) -> dict[str, Any]:
    projections = table.get("projections")
    return projections if isinstance(projections, dict) else {}


def _wanted(table: Table, name: str) -> str | Table | None:
    """Return the hardware that a network or a change asks for in a projection."""
    projection = _projections(table).get(name)
    wanted = projection.get("hardware") if isinstance(projection, dict) else None
    return wanted if isinstance(wanted, str | dict) else None


def _stripped(table: Table, names: Sequence[str]) -> Table:
    """Return a network or a change without the hardware of some projections."""
    projections = {
        name: {key: value for key, value in each.items() if key != "hardware"}
        if name in names and _wanted(table, name)
        else each
        for name, each in _projections(table).items()
    }
    return {**table, "projections": projections} if projections else table
