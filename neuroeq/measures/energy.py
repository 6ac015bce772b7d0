"""The energy of inference and learning on a circuit, from the solved voltages and the constants of the hardware.

inference   the free phase: power of every element x duration, one DAC conversion a source, one ADC an output node
update      the nudged phases of a batch, one ADC conversion a node and phase, the pulses that program devices, and one
            ADC conversion for each of their reads; ideal devices are written once an update
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroeq.contract import Circuit, Equilibrium, Nudge
from neuroeq.describe.network import nodes
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Trial
from neuroeq.randomness import Streams

from .programming import Programming, writing_energy

Array = np.ndarray


@dataclass(frozen=True)
class Energy:
    """Energy by kind of element.

    Parameters
    ----------
    inference
        The energy of the inference of one example, by kind of element [J].
    update
        The energy of the update from one batch, without its free phases, by kind of element [J].
    """

    inference: dict[str, float]
    update: dict[str, float]


def account(
    substrate: Circuit, inputs: Array, targets: Array, streams: Streams, took: Programming | None = None
) -> Energy:
    """Return the energies of a circuit, averaged over examples.

    Parameters
    ----------
    substrate
        The circuit, with its parameters.
    inputs, targets
        The inputs and targets of the examples: (batch, n_input) and (batch, n_output).
    streams
        The random numbers that draw the sign of a random nudge.
    took
        What programming took in the training; None for devices that are written once an update.
    """
    network = substrate.network
    chosen = nudges(network.phases, streams.child("energy"))
    trial = Trial.of(substrate, inputs, targets, chosen, streams.child("energy", 0))
    free, nudged = trial.settle(substrate)
    nudged_ends = [(trial.nudge(beta, free), end) for (beta, _), end in zip(chosen, nudged, strict=True)]
    hardware, batch = substrate.hardware.periphery, len(inputs)
    n_nodes = sum(nodes(network, layer) for layer in network.layers if layer != network.input_layer)
    inference = _held(substrate, free)
    inference["DAC"] = nodes(network, network.input_layer) * hardware.dac_energy
    inference["ADC"] = nodes(network, network.output_layer) * hardware.adc_energy
    update: dict[str, float] = {}
    for pull, end in nudged_ends:
        for kind, energy in _held(substrate, end, pull).items():
            update[kind] = update.get(kind, 0.0) + batch * energy
    update["ADC"] = batch * (1 + len(nudged_ends)) * n_nodes * hardware.adc_energy
    update["writing"] = _written_once(substrate) if took is None else took.write_energy_per_update
    if took is not None and took.reads_per_update:
        update["reading devices"] = took.reads_per_update * hardware.adc_energy
    return Energy(inference, update)


def _written_once(substrate: Circuit) -> float:
    """Return the energy of programming every device once [J]."""
    counts = substrate.devices()
    return writing_energy({name: substrate.network.array(name) for name in counts}, counts)


def _held(substrate: Circuit, eq: Equilibrium, nudge: Nudge | None = None) -> dict[str, float]:
    time = substrate.phase_time(eq)
    return {kind: power * time for kind, power in substrate.dissipation(eq, nudge).items()}
