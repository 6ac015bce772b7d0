"""The account of a circuit: energy, latency and area, and the voltages that the energy of an inference comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from neuroeq.contract import Circuit
from neuroeq.randomness import Streams

from .energy import energies, energy_of_inference
from .latency import latencies, latency_of_inference
from .parts import Cost, Parts, added, times, total
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


@dataclass(frozen=True)
class Inference:
    """What an inference costs.

    Parameters
    ----------
    energy
        Its energy by part [J].
    latency
        How long it takes, by part [s].
    """

    energy: Cost
    latency: Cost

    @classmethod
    def of(cls, circuit: Circuit, inputs: Array, rng: np.random.Generator) -> Self:
        """Return what an inference costs on a circuit, averaged over examples: (batch, n_input)."""
        free = circuit.relax(inputs, rng=rng)
        return cls(energy_of_inference(circuit, free), latency_of_inference(circuit, free))

    def as_dict(self) -> dict[str, object]:
        """Return the totals and the parts as plain values, by the names that they have in result.json."""
        totals = {"energy_per_inference_J": total(self.energy), "latency_per_inference_s": total(self.latency)}
        parts = {"energy": {"inference": dict(self.energy)}, "latency": {"inference": dict(self.latency)}}
        return {**totals, **parts}


def area(circuit: Circuit) -> float | None:
    """Return the area of all programmable devices; None if some hardware gives no size of its cells [m^2]."""
    network = circuit.network
    return added(times(number, network.array(name).synapse.cell_area) for name, number in circuit.devices().items())
