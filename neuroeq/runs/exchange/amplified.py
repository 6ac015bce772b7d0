"""The bidirectional amplifiers of a netlist, as neuroeq writes them.

    E_n     n_amp 0 n 0 A      the voltage of node n, times the gain A
    V_n_amp n_amp n_out 0      0 V, which senses the current that the amplifier delivers into n_out
    F_n     n 0 V_n_amp k      a current of k times as much, drawn from n

Resistors at n_out are those that leave node n.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from neuroeq.errors import SpecError

from .netlist import Element, Netlist

Gains = tuple[Decimal, Decimal]
"""The gain of an amplifier, and the fraction of its current that is drawn from its node."""


def without_amplifiers(netlist: Netlist) -> tuple[Netlist, dict[str, Gains]]:
    """Return a netlist with the node of each amplifier in the place of its output, and the gains by node.

    Raises
    ------
    SpecError
        If a controlled source is no part of such an amplifier.
    """
    sensors = {source.nodes[0]: source for source in netlist.of("v")}
    draws = {source.control[0]: source for source in netlist.of("f")}
    outputs: dict[str, str] = {}
    gains: dict[str, Gains] = {}
    used = set()
    for source in netlist.of("e"):
        node = source.control[0]
        sensor = sensors.get(source.nodes[0])
        draw = None if sensor is None else draws.get(sensor.name)
        if (
            sensor is None
            or draw is None
            or (source.nodes[1], source.control[1], *draw.nodes) != ("0", "0", node, "0")
            or sensor.value
        ):
            raise _error(netlist, source)
        outputs[sensor.nodes[1]], gains[node] = node, (source.value, draw.value)
        used |= {source.name, sensor.name, draw.name}
    for draw in netlist.of("f"):
        if draw.name not in used:
            raise _error(netlist, draw)
    kept = [each for each in netlist.elements if each.name not in used]
    moved = [replace(each, nodes=_moved(each, outputs)) if each.name[0] == "r" else each for each in kept]
    return replace(netlist, elements=moved), gains


def shared_gains(netlist: Netlist, gains: dict[str, Gains], layers: dict[str, list[str]]) -> Gains | None:
    """Return the gains that all amplifiers have; None if there are none.

    Raises
    ------
    SpecError
        If they differ, or are not those of all hidden nodes and no others.
    """
    _, *hidden, _ = layers.values()
    if not gains:
        return None
    if set(gains) != {node for nodes in hidden for node in nodes} or len(set(gains.values())) > 1:
        raise SpecError(
            f"{netlist.where}: has {len(gains)} amplifiers of {len(set(gains.values()))} kinds; expected one at each "
            "hidden node, all with the same gains, or none."
        )
    return next(iter(gains.values()))


def _moved(resistor: Element, outputs: dict[str, str]) -> tuple[str, str]:
    one, other = (outputs.get(node, node) for node in resistor.nodes)
    return one, other


def _error(netlist: Netlist, source: Element) -> SpecError:
    return SpecError(
        f"{netlist.where}: line {source.line}: {source.name} is no part of a bidirectional amplifier; expected E from "
        "a node to its output, a source of 0 V after it, and F that draws a part of its current from the node."
    )
