"""The account of a circuit: energy, latency and area, and the voltages that the energy of an inference comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neuroeq.contract import Circuit
from neuroeq.randomness import Streams

from .energy import energies
from .latency import latencies
from .parts import Parts, added, times
from .programming import Programming
from .settled_phases import SettledPhases

Array = np.ndarray


@dataclass(frozen=True)
class Account:
    """What a circuit costs.

    Parameters
    ----------
    energy
        The energies of an inference and of an update [J].
    latency
        How long they take [s].
    area
        The area of all programmable devices; None if some hardware gives no size of its cells [m^2].
    voltages
        The node voltages of the free phase that the energy of an inference comes from, by layer: (batch, n) [V].
    driving
        The voltages there that layers, inputs included, drive the arrays behind them with: (batch, n) [V].
    """

    energy: Parts
    latency: Parts
    area: float | None
    voltages: Mapping[str, Array]
    driving: Mapping[str, Array]


def account(
    circuit: Circuit, inputs: Array, targets: Array, streams: Streams, took: Programming | None = None
) -> Account:
    """Return what a circuit costs, averaged over examples.

    Parameters
    ----------
    circuit
        The circuit, with its parameters.
    inputs, targets
        The inputs and targets of the examples: (batch, n_input) and (batch, n_output).
    streams
        The random numbers that draw the sign of a random nudge.
    took
        What programming took in the training; None for devices that are written once an update.
    """
    phases = SettledPhases.of(circuit, inputs, targets, streams)
    return Account(
        energies(circuit, phases, took),
        latencies(circuit, phases, took),
        area(circuit),
        circuit.voltages(phases.free),
        circuit.driving(phases.free),
    )


def area(circuit: Circuit) -> float | None:
    """Return the area of all programmable devices; None if some hardware gives no size of its cells [m^2]."""
    network = circuit.network
    return added(times(number, network.array(name).synapse.cell_area) for name, number in circuit.devices().items())
