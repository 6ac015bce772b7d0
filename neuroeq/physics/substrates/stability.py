"""The largest stable nudge, from the curvature of the energy at a settled free equilibrium, in double precision.

Let H be the Hessian of E over the units that can move, and S its Schur complement at the outputs, the curvature once
the other units have followed. E + beta C is bounded below only for  beta > -lambda_min(S).  Clipped units cannot move;
if units are bounded, outputs saturate under a nudge beyond the margin instead of diverging. A held current I adds -I.s
to E, which moves the minimum and leaves H as it is, so its margin is infinite.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Equilibrium, Params, Stop, Substrate, VectorField
from neuroeq.describe.network import free_layers
from neuroeq.describe.spec import Network

from ..engine import Field
from .free_units import SETTLED, FreeUnits, interval

Array = np.ndarray
MOVING = (0.02, 0.98)
"""The activities between which a unit counts as able to move."""
SAMPLES = 20
"""The number of samples of a batch whose margins are computed."""


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
        The median over the samples in which an output can move; 0 if no negative nudge is stable there, and infinite if
        no output moves in any.
    """
    units = FreeUnits(network, fields, params, free, one, samples)
    states = units.settled()
    limits = [
        _smallest(-jac, units.output, moving)
        for jac, moving in zip(units.jacobians(states), units.moving(states), strict=True)
    ]
    return _typical(limits)


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
    """
    network = substrate.network
    free = substrate.relax(inputs, start=free.resume, stop=SETTLED)
    sizes = {layer: network.layers[layer].size for layer in free_layers(network)}
    output = np.repeat([layer == network.output_layer for layer in sizes], list(sizes.values()))
    limits = [
        _smallest(-jacobian(substrate, free, sample), output, unclipped(network, free, sample))
        for sample in range(min(samples, len(free.outputs)))
    ]
    return _typical(limits)


def _typical(limits: list[float]) -> float:
    finite = [limit for limit in limits if np.isfinite(limit)]
    return max(0.0, float(np.median(finite))) if finite else float("inf")


def jacobian(substrate: VectorField, equilibrium: Equilibrium, sample: int, shift: float = 1e-6) -> Array:
    """Return the derivative of tau ds/dt in the states of all free units: (n, n), one row a rate of change.

    It is computed by central differences: copies of the sample, each with one state shifted, take one step in parallel.
    """
    network, simulation = substrate.network, substrate.simulation
    n = sum(network.layers[layer].size for layer in free_layers(network))
    inputs = equilibrium.activity[network.input_layer][sample]
    columns = []
    shifts = np.concatenate([shift * np.eye(n), -shift * np.eye(n)])
    for start in range(0, 2 * n, simulation.batch):
        rows = shifts[start : start + simulation.batch]
        shifted = simulation.spread(equilibrium.resume, sample, _by_layer(network, rows))
        after = substrate.relax(np.tile(inputs, (len(rows), 1)), start=shifted, stop=Stop(1))
        before = np.concatenate([equilibrium.state[layer][sample] for layer in free_layers(network)]) + rows
        rate = (
            np.concatenate([after.state[layer] for layer in free_layers(network)], axis=1) - before
        ) * np.concatenate(
            [np.full(network.layers[layer].size, simulation.scale(layer)) for layer in free_layers(network)]
        )
        columns.append(rate)
    rates = np.concatenate(columns)
    return ((rates[:n] - rates[n:]) / (2 * shift)).T


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


def _smallest(hessian: Array, output: Array, moving: Array) -> float:
    """Return the smallest eigenvalue of the output Schur complement over the units that can move."""
    inner, outer = moving & ~output, moving & output
    if not outer.any():
        return float("inf")
    schur = hessian[np.ix_(outer, outer)]
    if inner.any():
        within, forward = hessian[np.ix_(inner, inner)], hessian[np.ix_(inner, outer)]
        try:
            followed = np.linalg.solve(within, forward)
        except np.linalg.LinAlgError:
            followed = np.linalg.lstsq(within, forward, rcond=None)[0]
        schur = schur - hessian[np.ix_(outer, inner)] @ followed
    return float(np.linalg.eigvalsh((schur + schur.T) / 2).min())
