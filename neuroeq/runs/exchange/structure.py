"""What the elements of a netlist are to a network: its inputs, its layers, their conductances and their diodes.

Inputs are the nodes that grounded voltage sources hold and resistors leave; ground is one where a resistor ends there.
A layer has the nodes at one distance over resistors from the inputs, ground aside; the farthest ones are the outputs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from neuroeq.errors import SpecError

from .netlist import Element, Netlist

Array = np.ndarray
GROUND = "0"
Sides = tuple[str, str, str]
"""The model of a node's diodes, and the voltages of their bias sources below and above, as texts; "" for none."""


@dataclass
class Structure:
    """A netlist as layers of nodes.

    Parameters
    ----------
    layers
        The nodes by layer; the inputs come first, and the outputs last.
    volts
        Voltages of the inputs: (n_input,). [V]
    siemens
        Conductances by the two layers that they join, the one nearer to the inputs first: (n_from, n_to). [S]
    amperes
        Currents into the nodes of each layer that has any: (n,). [A]
    diodes
        The diodes by node, for those that have any.
    """

    layers: dict[str, list[str]]
    volts: Array
    siemens: dict[tuple[str, str], Array] = field(default_factory=dict)
    amperes: dict[str, Array] = field(default_factory=dict)
    diodes: dict[str, Sides] = field(default_factory=dict)


def structure_of(netlist: Netlist, chosen: Mapping[str, list[str]] | None = None) -> Structure:
    """Return the layers of a netlist and what joins them.

    Parameters
    ----------
    netlist
        The netlist, as `read_netlist` returns it.
    chosen
        The nodes by layer, the inputs first and the outputs last; found over the resistors if left out.

    Raises
    ------
    SpecError
        If something in it has no place in a network of layers.
    """
    held = _held(netlist)
    joined = {node for each in netlist.of("r") for node in each.nodes}
    layers = dict(chosen) if chosen else _found(netlist, [node for node in held if node in joined])
    inputs = next(iter(layers))
    for node in layers[inputs]:
        if node not in held and node != GROUND:
            raise SpecError(f"{netlist.where}: input '{node}' has no voltage source to ground; give it one.")
    if GROUND in joined and GROUND not in layers[inputs]:
        layers[inputs] = [*layers[inputs], GROUND]
    found = Structure(layers, np.array([float(held.get(node, 0)) for node in layers[inputs]]))
    place = {node: (name, i) for name, nodes in layers.items() for i, node in enumerate(nodes)}
    if len(place) < sum(map(len, layers.values())):
        raise SpecError(f"{netlist.where}: a node is in two layers; name each node once.")
    _resistors(netlist, found, place)
    for current in netlist.of("i"):
        _current(netlist, found, place, current, inputs)
    _diodes(netlist, found, place, held, inputs)
    return found


def _held(netlist: Netlist) -> dict[str, Decimal]:
    """Return the voltages of the nodes that grounded sources hold, in the order of the file."""
    held: dict[str, Decimal] = {}
    for source in netlist.of("v"):
        plus, minus = source.nodes
        if (plus == GROUND) == (minus == GROUND) or (node := plus if minus == GROUND else minus) in held:
            raise _error(netlist, source, "joins two nodes, or holds one that is held already; ground one end of it")
        held[node] = source.value if minus == GROUND else -source.value
    return held


def _found(netlist: Netlist, inputs: list[str]) -> dict[str, list[str]]:
    """Return the layers by their distance from the inputs over resistors."""
    if not inputs:
        raise SpecError(f"{netlist.where}: no resistor is at a voltage source; expected inputs, so add sources.")
    neighbours: dict[str, dict[str, None]] = defaultdict(dict)
    for resistor in netlist.of("r"):
        one, other = resistor.nodes
        if GROUND not in resistor.nodes:
            neighbours[one][other] = neighbours[other][one] = None
    layers, seen = [_in_order(inputs)], set(inputs)
    while layers[-1]:
        after = dict.fromkeys(other for node in layers[-1] for other in neighbours[node] if other not in seen)
        seen |= after.keys()
        layers.append(_in_order(after))
    layers.pop()
    for resistor in netlist.of("r"):
        if not set(resistor.nodes) <= seen | {GROUND}:
            raise _error(netlist, resistor, "is joined to no voltage source by resistors; connect or remove it")
    if len(layers) < 2:
        raise SpecError(f"{netlist.where}: no node is free; expected resistors from sources to free nodes.")
    names: dict[str, list[str]] = {}
    for i, nodes in enumerate(layers):
        usual = "input" if not i else "output" if i == len(layers) - 1 else f"layer{i}"
        name = _stem(nodes) or usual
        while name in names:
            name += "_"
        names[name] = nodes
    return names


def _stem(nodes: list[str]) -> str | None:
    """Return the name that all nodes of a layer have before their numbers, if a layer can be called so."""
    stems = {part[1] if (part := re.fullmatch(r"([a-z]\w*?)_?\d+", node, re.ASCII)) else None for node in nodes}
    return stems.pop() if len(stems) == 1 else None


def _in_order(nodes: Iterable[str]) -> list[str]:
    """Return nodes by their numbers if they differ in these alone, and otherwise as they are."""
    nodes = list(nodes)
    parts = [re.fullmatch(r"(.*?)(\d+)", node) for node in nodes]
    if any(part is None for part in parts) or len({part[1] for part in parts if part}) > 1:
        return nodes
    return sorted(nodes, key=lambda node: int(re.search(r"\d+$", node)[0]))  # type: ignore[index]


def _resistors(netlist: Netlist, found: Structure, place: Mapping[str, tuple[str, int]]) -> None:
    """Add up the conductances between the nodes of each two layers."""
    order = {name: i for i, name in enumerate(found.layers)}
    for resistor in netlist.of("r"):
        if resistor.value < 0:
            raise _error(netlist, resistor, f"is {resistor.value} ohm; expected more than 0, as outside a nudge")
        for node in resistor.nodes:
            if node not in place:
                raise _error(netlist, resistor, f"is at node '{node}', which is in no layer; add it to --nodes")
        (one, i), (other, j) = sorted((place[node] for node in resistor.nodes), key=lambda at: order[at[0]])
        if one == other:
            raise _error(netlist, resistor, f"joins two nodes of layer '{one}'; put them in two layers with --nodes")
        g = found.siemens.setdefault((one, other), np.zeros((len(found.layers[one]), len(found.layers[other]))))
        g[i, j] += float(1 / resistor.value)


def _current(
    netlist: Netlist, found: Structure, place: Mapping[str, tuple[str, int]], source: Element, inputs: str
) -> None:
    plus, minus = source.nodes
    node = minus if plus == GROUND else plus
    if GROUND not in source.nodes or node not in place or place[node][0] == inputs:
        raise _error(netlist, source, "is not from ground into the node of a layer; leave it out")
    name, i = place[node]
    amperes = found.amperes.setdefault(name, np.zeros(len(found.layers[name])))
    amperes[i] += float(source.value if plus == GROUND else -source.value)


def _diodes(
    netlist: Netlist, found: Structure, place: Mapping[str, tuple[str, int]], held: Mapping[str, Decimal], inputs: str
) -> None:
    """Find the diodes of each node, and the voltages that hold their other ends."""
    sides: dict[str, dict[str, str]] = defaultdict(dict)
    for diode in netlist.of("d"):
        ends = [node not in held and node != GROUND for node in diode.nodes]
        if ends[0] == ends[1]:
            raise _error(netlist, diode, "is not between a node of a layer and a voltage source, or ground")
        node, bias, side = (*diode.nodes, "high") if ends[0] else (*diode.nodes[::-1], "low")
        layer = place.get(node, (inputs,))[0]
        if layer in (inputs, list(found.layers)[-1]):
            raise _error(netlist, diode, f"is at '{node}', and only nodes of hidden layers have diodes; leave it out")
        if side in sides[node] or sides[node].setdefault("model", diode.model) != diode.model:
            raise _error(netlist, diode, f"is the second of its kind at '{node}', or of another model; leave it out")
        sides[node][side] = f"{float(held.get(bias, 0))!r} V"
    found.diodes = {node: (each["model"], each.get("low", ""), each.get("high", "")) for node, each in sides.items()}


def _error(netlist: Netlist, element: Element, what: str) -> SpecError:
    return SpecError(f"{netlist.where}: line {element.line}: {element.name} {what}.")
