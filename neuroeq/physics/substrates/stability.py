"""The largest stable nudge, from the curvature of the energy at a settled free equilibrium, in double precision.

Let H be the Hessian of E over the units that can move, and S its Schur complement at the outputs, the curvature once
the other units have followed. E + beta C is bounded below only for  beta > -lambda_min(S)  where C has the curvature 1
in the states of the outputs, and else for that of S over the products of the slopes of their readouts.  Clipped units
cannot move; if units are bounded, outputs saturate under a nudge beyond the margin instead of diverging. A held current
I adds -I.s to E, which moves the minimum and leaves H as it is, so its margin is infinite.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Equilibrium, Params, Stop, Substrate, VectorField
from neuroeq.describe.network import free_layers, oscillating
from neuroeq.describe.spec import Network

from ..curvature import output_curvatures
from ..engine import Field
from .free_units import SETTLED, SLOW, FreeUnits, interval

Array = np.ndarray
SAMPLES = 20
"""The number of samples of a batch whose margins are computed."""
MOST_NUMBERS = 4_000_000
"""The largest number of samples x units x outputs that margins are computed for."""
ENOUGH = Stop(SETTLED.steps, 1e-8)
"""When units have settled for a margin."""
DRIFTED, RESTING = Stop(SLOW + 1, 1e-7), 1e-4
"""How long oscillators settle for a margin, with implicit steps once, and the step of a phase that is at rest then.

They may drift for good if natural frequencies differ.
"""
SHIFT = 1e-6
"""The largest shift of a state for a derivative by differences."""
FLAT = 1e-9
"""The slope of a readout below which a nudge of it moves nothing."""
MEASURED = 1e-8
"""What derivatives by differences are exact to."""


def margin(substrate: Substrate, free: Equilibrium) -> float:
    """Return the largest stable |beta| of a negative nudge at a free equilibrium of a substrate."""
    return substrate.margin(free)


def neuron_margin(
    network: Network,
    fields: Mapping[str, Field],
    params: Params,
    free: Equilibrium,
    one: float = 1.0,
    samples: int = SAMPLES,
) -> float:
    """Return the margin of neurons where they settle.

    Parameters
    ----------
    network
        The network, for its layers and projections.
    fields
        The vector field of every free layer; for spiking units that of their mean field.
    params
        The weights that synapses transmit with, and the biases.
    free
        The end of a free phase of a batch.
    one
        The state that represents the number 1.
    samples
        The number of samples of the batch to compute it for.

    Returns
    -------
    float
        The median over the samples in which an output can move, and of oscillators those that settle; 0 if no negative
        nudge is stable there, and infinite if no output moves in any.
    """
    units = FreeUnits(network, fields, params, free, one, _few(network, samples))
    drifting = bool(oscillating(network))
    states = units.settled(DRIFTED if drifting else ENOUGH)
    product, own = units.linearised(states)
    moving, slopes = units.moving(states), units.readout_slopes(states)[:, units.output]
    if drifting:
        moving = moving & units.resting(states, RESTING)
    curvatures = output_curvatures(product, -own, units.output, moving)
    steep = [np.maximum(np.abs(slope[free]), FLAT) for slope, free in zip(slopes, moving[:, units.output], strict=True)]
    return _typical([each / np.outer(by, by) for each, by in zip(curvatures, steep, strict=True)])


def measured_margin(substrate: VectorField, inputs: Array, free: Equilibrium, samples: int = SAMPLES) -> float:
    """Return the margin of neurons whose equations cannot be analysed, measured on their steps where they settle.

    Parameters
    ----------
    substrate
        The substrate of neurons.
    inputs
        The inputs of the batch: (batch, n_input).
    free
        The end of a free phase of the batch, from which it goes on.
    samples
        The number of samples of the batch to compute it for.

    Returns
    -------
    float
        As of `neuron_margin`; infinite where units have more than one state, whose limit is not known.
    """
    network = substrate.network
    models = [network.neuron(layer) for layer in free_layers(network)]
    if any(model is not None and model.n_states > 1 for model in models):
        return float("inf")
    free = substrate.relax(inputs, start=free.resume, stop=SETTLED)
    sizes = {layer: network.layers[layer].size for layer in free_layers(network)}
    output = np.repeat([layer == network.output_layer for layer in sizes], list(sizes.values()))
    moving = np.array([unclipped(network, free, sample) for sample in range(min(_few(network, samples), len(inputs)))])

    def product(which: Array, directions: Array) -> Array:
        changes = np.empty_like(directions)
        for sample in np.unique(which):
            changes[which == sample] = products(substrate, free, sample, directions[which == sample])
        return changes

    return _typical(output_curvatures(product, np.ones(moving.shape), output, moving, MEASURED))


def _few(network: Network, samples: int) -> int:
    """Return the number of samples to look at: fewer than `samples` if they have very many units and outputs."""
    units = sum(network.layers[layer].size for layer in free_layers(network))
    return max(1, min(samples, MOST_NUMBERS // (units * network.layers[network.output_layer].size)))


def _typical(curvatures: list[Array]) -> float:
    limits = [float(np.linalg.eigvalsh((each + each.T) / 2).min()) for each in curvatures if each.size]
    return max(0.0, float(np.median(limits))) if limits else float("inf")


def jacobian(substrate: VectorField, equilibrium: Equilibrium, sample: int) -> Array:
    """Return the derivative of tau ds/dt in the states of all free units: (n, n), one row a rate of change."""
    n = sum(substrate.network.layers[layer].size for layer in free_layers(substrate.network))
    return products(substrate, equilibrium, sample, np.eye(n)).T


def products(substrate: VectorField, equilibrium: Equilibrium, sample: int, directions: Array) -> Array:
    """Return the derivative of tau ds/dt of all free units along directions, both (k, n).

    It is computed by central differences: copies of the sample, with states shifted by at most `SHIFT` along each
    direction, take one step in parallel.
    """
    network, simulation = substrate.network, substrate.simulation
    largest = np.abs(directions).max(axis=1, keepdims=True)
    shift = SHIFT / np.where(largest > 0, largest, 1.0)
    inputs = equilibrium.activity[network.input_layer][sample]
    layers = free_layers(network)
    begun = np.concatenate([equilibrium.state[layer][sample] for layer in layers])
    scales = np.concatenate([np.full(network.layers[layer].size, simulation.scale(layer)) for layer in layers])
    columns = []
    shifts = np.concatenate([shift * directions, -shift * directions])
    for start in range(0, len(shifts), simulation.batch):
        rows = shifts[start : start + simulation.batch]
        shifted = simulation.spread(equilibrium.resume, sample, _by_layer(network, rows))
        after = substrate.relax(np.tile(inputs, (len(rows), 1)), start=shifted, stop=Stop(1))
        columns.append((np.concatenate([after.state[layer] for layer in layers], axis=1) - (begun + rows)) * scales)
    rates = np.concatenate(columns)
    return (rates[: len(directions)] - rates[len(directions) :]) / (2 * shift)


def _by_layer(network: Network, rows: Array) -> dict[str, Array]:
    sizes = [network.layers[layer].size for layer in free_layers(network)]
    return dict(zip(free_layers(network), np.split(rows, np.cumsum(sizes)[:-1], axis=1), strict=True))


def unclipped(network: Network, free: Equilibrium, sample: int) -> Array:
    """Return which states of a sample are strictly inside the bounds of their model: (n,)."""
    inside = unclipped_states(network, free)
    return np.concatenate([inside[layer][sample] for layer in free_layers(network)])


def unclipped_states(network: Network, eq: Equilibrium) -> dict[str, Array]:
    """Return which states are strictly inside the bounds of their model, by layer: (batch, n)."""
    inside = {}
    for layer in free_layers(network):
        model = network.neuron(layer)
        assert model is not None
        low, high = interval(model)
        inside[layer] = (eq.state[layer] > low) & (eq.state[layer] < high)
    return inside
