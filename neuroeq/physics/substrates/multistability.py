"""Whether free phases of oscillators have several ends: samples that settle again from random start phases.

A network of oscillators can have several stable states for one input, and its start phases then choose among them.
Equilibrium Propagation follows the gradient of the one that is reached, and a device that starts elsewhere answers
otherwise.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Stop, Substrate
from neuroeq.describe.network import oscillating

from .neurons import NeuronSubstrate

Array = np.ndarray
SAMPLES, STARTS = (4, 8), 2
"""The numbers of samples that are looked at, as many as one relaxation holds, and of random starts of each."""
LONGER, SETTLED = 10, 1e-4
"""How many free phases long a sample may settle, and the residual at which it has."""
APART = 0.1
"""The difference between outputs that counts: a tenth of that between in phase and in antiphase."""


def multistable(substrate: Substrate, inputs: Array, rng: np.random.Generator) -> float | None:
    """Return the fraction of samples whose outputs end differently from random start phases; None without oscillators.

    Outputs are those of the phases themselves, before they are read out with few bits.

    Parameters
    ----------
    substrate
        The substrate, with the parameters to look at.
    inputs
        Inputs, of which the first ones are looked at: (n, n_input).
    rng
        Random numbers of the start phases, uniform over a turn, and of noise.
    """
    network = substrate.network
    if not oscillating(network) or not isinstance(substrate, NeuronSubstrate):
        return None
    samples = min(max(SAMPLES[0], substrate.batch // (1 + STARTS)), SAMPLES[1], len(inputs))
    repeated = np.repeat(inputs[:samples], 1 + STARTS, axis=0)
    turned = np.arange(len(repeated)) % (1 + STARTS) > 0
    stop = Stop(LONGER * substrate.stop(network.phases.free).steps, SETTLED)
    ends = [
        _ends(substrate, repeated[at : at + substrate.batch], turned[at : at + substrate.batch], stop, rng)
        for at in range(0, len(repeated), substrate.batch)
    ]
    outputs = np.concatenate(ends).reshape(samples, 1 + STARTS, -1)
    return float((np.ptp(outputs, axis=1).max(axis=1) > APART).mean())


def _ends(substrate: NeuronSubstrate, inputs: Array, turned: Array, stop: Stop, rng: np.random.Generator) -> Array:
    """Return the outputs at the end of free phases, (m, n_output), of which some start at random phases."""
    simulation, starts = substrate.simulation, {}
    for layer in oscillating(substrate.network):
        model = substrate.network.neuron(layer)
        assert model is not None, "it oscillates"
        shape = (len(inputs), substrate.network.layers[layer].size)
        starts[f"{layer}/{model.state}"] = rng.uniform(0, 2 * np.pi, shape)
    start = simulation.placed(starts, turned, rng)
    return simulation.relax(substrate.weights, inputs, None, start, stop, None, None, rng).outputs
