"""Hardware and network are matched to each other: the largest weight of the window, and the strength of the nudge."""

from __future__ import annotations

import numpy as np

from neuroeq.randomness import Streams

from ..network import initial_params
from ..spec import Network

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
    if network.hardware is None:
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
    """Return a network on a circuit whose conductance window holds `headroom` times the largest start weight.

    On a crossbar this sets `w_max`, and on a resistor network `g_unit`. What was chosen, by one of these or by `r_f`,
    is left as it is.
    """
    if network.hardware is None or network.hardware.g_max is None:
        return network
    headroom = network.hardware.neuron.integrator.headroom
    if headroom is None:
        return network
    return _with_g_unit(network, headroom) if network.kind.conductances else _with_w_max(network, headroom)


def _with_w_max(network: Network, headroom: float) -> Network:
    hardware, neuron = network.technology, network.technology.neuron
    integrator = neuron.integrator
    if integrator.r_f is not None or "w_max" in integrator.model_fields_set:
        return network
    largest, largest_bias = _largest(network)
    if not largest:
        return network
    matched = {"w_max": headroom * largest}
    if "bias_gain" not in integrator.model_fields_set:
        matched["bias_gain"] = max(1.0, largest_bias / matched["w_max"])
    neuron = neuron.model_copy(update={"integrator": integrator.model_copy(update=matched)})
    return network.model_copy(update={"hardware": hardware.model_copy(update={"neuron": neuron})})


def _with_g_unit(network: Network, headroom: float) -> Network:
    circuit, hardware = network.circuit, network.technology
    if circuit.g_unit is not None:
        return network
    largest, _ = _largest(network)
    if not largest:
        return network
    assert hardware.g_max is not None
    least = ROUNDING / (1 - hardware.g_min / hardware.g_max)  # start weights stand on the bottom of the window
    matched = circuit.model_copy(update={"g_unit": network.g_unit / (max(headroom, least) * largest)})
    physics = network.physics.model_copy(update={"circuit": matched})
    return network.model_copy(update={"substrate": {network.substrate_name: physics}})


def _largest(network: Network) -> tuple[float, float]:
    """Return the largest start weight, above what a device at the bottom of its window holds, and the largest bias."""
    start = initial_params(network, Streams(network.run.seed).child("init"))
    low = network.technology.g_min / network.g_unit if network.kind.conductances else 0.0
    sizes: dict[bool, list[float]] = {True: [0.0], False: [0.0]}
    for name, value in start.items():
        weight = name in network.projections
        sizes[weight].append(float(np.abs(value - low * weight).max(initial=0)))
    return max(sizes[True]), max(sizes[False])
