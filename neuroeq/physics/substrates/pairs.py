"""Pairs: each signed weight is the difference of two conductances, W = R_f (G+ - G-), of two devices or a reference."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.spec import Hardware, Network
from neuroeq.errors import SpecError

from ..devices.mapping import held_by

Array = np.ndarray


def ideal_devices(hardware: Hardware, weight: Array, gain: float = 1.0) -> Array:
    """Return the conductances of ideal devices that hold weights, (devices of a weight, ...), within their window [S].

    The voltage that drives them is `gain` times that of an activity of 1, so W = R_f gain (G+ - G-).
    """
    return held_by(hardware, np.clip(weight / gain, -hardware.w_max, hardware.w_max) / hardware.r_f)


def pair_of(
    hardware: Hardware, params: Params, name: str, connected: Array | None, gain: float = 1.0
) -> tuple[Array, Array]:
    """Return G+ and G- of an array, as its devices hold them, of the shape of its weights [S].

    Parameters
    ----------
    hardware
        The hardware of the array.
    params
        The weights; where they come with the conductances that hold them, these are returned, and else those of ideal
        devices.
    name
        The name of the array.
    connected
        1 where there is a synapse and 0 elsewhere; None if all are there.
    gain
        The voltage that drives the array over that of an activity of 1.

    Returns
    -------
    tuple
        The pair; with a reference column, G- is the reference.
    """
    held = getattr(params, "conductances", {}).get(name)
    if held is None:
        held = ideal_devices(hardware, params[name], gain)
        held = held if connected is None else held * connected
    if len(held) == 2:
        return held[0], held[1]
    return held[0], np.where(held[0] != 0, hardware.g_reference, 0.0)


def check_windows(params: Params, network: Network) -> None:
    """Refuse a window that would clip the start weights of a projection; biases beyond it are clipped.

    Raises
    ------
    SpecError
        If a weight is larger than a pair can hold.
    """
    for name in network.projections:
        hardware, largest = network.array(name), float(np.abs(params[name]).max(initial=0))
        if getattr(hardware.synapse.update, "d2d_max", 0.0):
            continue  # each device has a range of its own, which is drawn with the chip
        if largest > hardware.w_max * (1 + 1e-9):
            raise SpecError(
                f"{network.where}: projections.{name} has weights up to {largest:.3g}, but {hardware.where} holds "
                f"{hardware.w_max:.3g} at most (R_f {hardware.r_f:.3g} ohm times the window); use a larger "
                "hardware.neuron.integrator.w_max or r_f, or a smaller initial.gain."
            )


def mapping_of(hardware: Hardware, params: Params, pairs: Mapping[str, tuple[Array, Array]]) -> dict[str, float]:
    """Return how weights in arrays of some hardware are mapped to conductances.

    Parameters
    ----------
    hardware
        The hardware of the arrays.
    params
        The weights and biases of the network.
    pairs
        G+ and G- by array, of the shape of its weights. [S]

    Returns
    -------
    dict
        The scale, the part of the window that is used, and the number of clipped weights.
    """
    limit, gain = hardware.w_max * (1 - 1e-9), hardware.neuron.integrator.bias_gain
    largest = max(float(np.max([plus.max(), minus.max()])) for plus, minus in pairs.values())
    return {
        "r_f_ohm": hardware.r_f,
        "w_max": hardware.w_max,
        "c_f_F": hardware.neuron.integrator.c_f,
        "v_scale_V": hardware.neuron.integrator.v_scale,
        "largest_conductance_S": largest,
        "window_used": 1.0
        if hardware.g_max is None
        else (largest - hardware.g_min) / (hardware.g_max - hardware.g_min),
        "clipped_weights": sum(
            int((np.abs(params[name]) >= limit * (gain if name.endswith(".bias") else 1.0)).sum()) for name in pairs
        ),
    }
