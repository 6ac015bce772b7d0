"""Hardware and network are matched to each other: the largest weight of the window, and the strength of the nudge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neuroeq.randomness import Streams

from ..network import initial_params
from ..spec import Hardware, Network
from ..spec.hardware import OF_ARRAY

ROUNDING = 1.001
"""How much larger a window is than the start weights that have to fit."""


def matched(network: Network, own_nudge: bool) -> Network:
    """Return a network on a circuit that is matched to its hardware; on another substrate as it is.

    Parameters
    ----------
    network
        The network, resolved for its substrate.
    own_nudge
        Whether the network's own nudge stays, whatever its hardware asks for.
    """
    if not network.kind.on_devices:
        return network
    network = _with_window(network)
    nudge = network.technology.periphery.nudge
    beta = nudge.beta
    if network.kind.conductances:
        beta = None if nudge.conductance is None else nudge.conductance / network.g_unit
    if own_nudge or beta is None:
        return network
    return network.model_copy(update={"phases": network.phases.model_copy(update={"beta": beta})})


def _with_window(network: Network) -> Network:
    """Return a network on a circuit whose conductance windows hold `headroom` times the largest start weight.

    On a crossbar this sets `w_max`, one for all arrays of the same devices, and on a resistor network `g_unit`. What
    was chosen, by one of these or by `r_f`, is left as it is.
    """
    if network.hardware is None:
        return network
    return _with_g_unit(network) if network.kind.conductances else _with_w_max(network)


def _with_w_max(network: Network) -> Network:
    groups = [(hardware, names) for hardware, names in _technologies(network) if _is_matched(hardware)]
    sizes = _largest(network) if groups else {}
    for hardware, names in groups:
        network = _with_scale(network, hardware, names, sizes)
    return network


def _technologies(network: Network) -> list[tuple[Hardware, list[str]]]:
    """Return hardware with the projections that it holds; those that hold weights in the same way are one."""
    groups: list[tuple[Hardware, list[str]]] = []
    for name, projection in network.projections.items():
        own = projection.hardware if isinstance(projection.hardware, Hardware) else network.technology
        same = next((names for other, names in groups if _alike(other, own)), None)
        if same is None:
            groups.append((own, [name]))
        else:
            same.append(name)
    return groups


def _alike(one: Hardware, other: Hardware) -> bool:
    scales = [[getattr(each.neuron.integrator, key) for key in OF_ARRAY] for each in (one, other)]
    return one.synapse == other.synapse and scales[0] == scales[1]


def _is_matched(hardware: Hardware) -> bool:
    integrator = hardware.neuron.integrator
    chosen = integrator.r_f is not None or "w_max" in integrator.model_fields_set
    return hardware.g_max is not None and integrator.headroom is not None and not chosen


def _with_scale(network: Network, hardware: Hardware, names: Sequence[str], sizes: Mapping[str, float]) -> Network:
    """Return a network in which the window of some hardware fits the arrays that it holds."""
    integrator = hardware.neuron.integrator
    largest = max(sizes[name] for name in names)
    if not largest:
        return network
    scale = {"w_max": (integrator.headroom or 1.0) * largest}
    if "bias_gain" not in integrator.model_fields_set:
        biases = [size for name, size in sizes.items() if name not in names and network.home(name) in names]
        scale["bias_gain"] = max(1.0, max(biases, default=0.0) / scale["w_max"])
    projections = dict(network.projections)
    for name in names:
        own = projections[name].hardware
        if isinstance(own, Hardware):
            projections[name] = projections[name].model_copy(update={"hardware": _scaled(own, scale)})
    update: dict[str, object] = {"projections": projections}
    if _alike(hardware, network.technology):
        update["hardware"] = _scaled(network.technology, scale)
    return network.model_copy(update=update)


def _scaled(hardware: Hardware, scale: Mapping[str, float]) -> Hardware:
    neuron = hardware.neuron
    integrator = neuron.integrator.model_copy(update=dict(scale))
    return hardware.model_copy(update={"neuron": neuron.model_copy(update={"integrator": integrator})})


def _with_g_unit(network: Network) -> Network:
    circuit, arrays = network.circuit, {name: network.array(name) for name in network.projections}
    windows = {name: (hardware, hardware.g_max) for name, hardware in arrays.items() if hardware.g_max is not None}
    headrooms = {name: hardware.neuron.integrator.headroom for name, (hardware, _) in windows.items()}
    if circuit.g_unit is not None or not any(headrooms.values()):
        return network
    sizes, fitting = _largest(network), []
    for name, (hardware, g_max) in windows.items():
        least = ROUNDING / (1 - hardware.g_min / g_max)  # start weights stand on the bottom of the window
        if sizes[name]:
            fitting.append(g_max / (max(headrooms[name] or 1.0, least) * sizes[name]))
    if not fitting:
        return network
    physics = network.physics.model_copy(update={"circuit": circuit.model_copy(update={"g_unit": min(fitting)})})
    return network.model_copy(update={"substrate": {network.substrate_name: physics}})


def _largest(network: Network) -> dict[str, float]:
    """Return the largest start weight or bias by array, above what a device at the bottom of its window holds."""
    start = initial_params(network, Streams(network.run.seed).child("init"))
    lowest = {
        name: network.array(name).g_min / network.g_unit if network.kind.conductances else 0.0
        for name in network.projections
    }
    return {name: float(np.abs(value - lowest.get(name, 0.0)).max(initial=0)) for name, value in start.items()}
