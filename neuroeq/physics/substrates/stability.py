"""The largest stable nudge, from the curvature of the energy at a free equilibrium.

Let H be the Hessian of E over the units that can move, and S its Schur complement at the outputs, the curvature once
the other units have followed. E + beta C is bounded below only for  beta > -lambda_min(S).  Clipped units cannot move;
if units are bounded, outputs saturate under a nudge beyond the margin instead of diverging.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Equilibrium, Params, Stop, Substrate, VectorField
from neuroeq.describe.network import free_layers, free_weights
from neuroeq.describe.spec import Bounds, Network
from neuroeq.units import physical

Array = np.ndarray
MOVING = (0.02, 0.98)
"""The activities between which a unit counts as able to move."""


def margin(substrate: Substrate, free: Equilibrium) -> float:
    """Return the largest stable |beta| of a negative nudge at a free equilibrium of a substrate."""
    return substrate.margin(free)


def neuron_margin(substrate: Substrate, free: Equilibrium, samples: int = 4) -> float:
    """Return the margin of neurons, the median over samples; 0 if no negative nudge is stable.

    For rates it is measured on the equations of the neurons. For spiking units it is that of their mean field, leaky
    integrators with unit slope between their bounds, for which H = 1 - W.

    Parameters
    ----------
    substrate
        The substrate of neurons that settled.
    free
        The free equilibrium of a batch.
    samples
        The number of samples of the batch to compute it for.
    """
    network, field = substrate.network, substrate.as_field()
    output = np.concatenate(
        [np.full(network.layers[layer].size, layer == network.output_layer) for layer in free_layers(network)]
    )
    margins = []
    for sample in range(min(samples, len(free.outputs))):
        if field is not None:
            hessian, moving = -jacobian(field, free, sample), unclipped(network, free, sample)
        else:
            hessian, moving = _mean_field(network, substrate.params), _moving(network, free, sample)
        margins.append(_smallest(hessian, output, moving))
    return max(0.0, float(np.median(margins)))


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


def _mean_field(network: Network, params: Params) -> Array:
    weights = free_weights(network, params)
    return np.eye(len(weights)) - weights


def _moving(network: Network, free: Equilibrium, sample: int) -> Array:
    activity = np.concatenate([free.activity[layer][sample] for layer in free_layers(network)])
    return (activity > MOVING[0]) & (activity < MOVING[1])


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
        interval = model.bounds.get(model.state, Bounds())
        low, high = (
            default if value is None else physical(str(value)).value
            for value, default in ((interval.min, -np.inf), (interval.max, np.inf))
        )
        inside[layer] = (eq.state[layer] > low) & (eq.state[layer] < high)
    return inside


def _smallest(hessian: Array, output: Array, moving: Array) -> float:
    """Return the smallest eigenvalue of the output Schur complement over the units that can move."""
    inner, outer = moving & ~output, moving & output
    if not outer.any():
        return float("inf")
    schur = hessian[np.ix_(outer, outer)]
    if inner.any():
        coupling = hessian[np.ix_(inner, outer)]
        schur = schur - coupling.T @ np.linalg.lstsq(hessian[np.ix_(inner, inner)], coupling, rcond=None)[0]
    return float(np.linalg.eigvalsh((schur + schur.T) / 2).min())
