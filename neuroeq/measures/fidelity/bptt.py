"""The gradient of the cost by backpropagation through the last steps of a free phase.

    s(t+1) = clip(s(t) + mu(s(t))/k),   k = tau/dt
    g(T) = dC/ds,    g_i(t) = [1 + (dmu_i/ds_i)/k] g_i(t+1) + (rho'_i/k) sum_j W_ij A_j g_j(t+1)     over unclipped j
    dC/dW_ij = sum over t of  a_i(t) A_j(t) g_j(t+1)/k       (and the reverse, if a weight serves both directions)

If the network was at rest during these steps, and its Jacobian is symmetric, the nudged phase follows them one by one:
(s^beta(t+1) - s^beta(t))/beta tends to -k' g(T - t), and so do the changes of the parameters.

Ernoult, Grollier, Querlioz, Bengio & Scellier 2019, NeurIPS, arXiv:1905.13633.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroeq.contract import Equilibrium, Params, Stop, VectorField
from neuroeq.learning.costs import cost_of
from neuroeq.physics.components import summed
from neuroeq.physics.substrates.stability import unclipped_states

from .products import products

Array = np.ndarray


@dataclass(frozen=True)
class Unrolled:
    """Gradients through the last steps of a free phase, from its end backwards.

    Parameters
    ----------
    states
        For each step back, dC/ds of each layer: (batch, n).
    params
        For each step back, the part of dC/dtheta that this step adds, averaged over the batch.
    """

    states: list[dict[str, Array]]
    params: list[Params]

    @property
    def total(self) -> Params:
        """dC/dtheta through all steps."""
        return {name: np.sum([part[name] for part in self.params], axis=0) for name in self.params[0]}


def backpropagate(substrate: VectorField, free: Equilibrium, inputs: Array, targets: Array, steps: int) -> Unrolled:
    """Return the gradients through `steps` more steps of a free phase.

    Parameters
    ----------
    substrate
        The network, as rate equations.
    free
        The state of the free phase before these steps.
    inputs, targets
        The inputs and targets of the batch: (batch, n_input) and (batch, n_output).
    steps
        The number of steps to take, and to backpropagate through.

    Raises
    ------
    EquationError
        If a layer is not a rate model with one state.
    """
    path = [free]
    for _ in range(steps):
        path.append(substrate.relax(inputs, start=path[-1].resume, stop=Stop(1)))
    error = {layer: np.zeros_like(state) for layer, state in free.state.items()}
    output, cost = substrate.network.output_layer, cost_of(substrate.network.phases)
    slope = substrate.fields[output].readout_slope(substrate.field_values(path[-1])[output])
    error[output] = cost.gradient(path[-1].outputs, targets) * slope
    states, params = [], []
    for before, after in zip(path[-2::-1], path[:0:-1], strict=True):
        moving = unclipped_states(substrate.network, after)
        error = {layer: value * moving[layer] for layer, value in error.items()}
        states.append(error)
        back, gated = _back(substrate, before, error)
        params.append(products(substrate, before, gated))
        error = back
    return Unrolled(states, params)


def _back(substrate: VectorField, at: Equilibrium, error: dict[str, Array]) -> tuple[dict[str, Array], ...]:
    """Return the error one step earlier, and the error in the drives."""
    values, scale, fields = substrate.field_values(at), substrate.simulation.scale, substrate.fields
    gated = {layer: fields[layer].drive_slope(values[layer]) * error[layer] / scale(layer) for layer in error}
    arriving = substrate.drives_back(gated)
    back = {
        layer: (1 + fields[layer].own_slope(values[layer]) / scale(layer)) * error[layer]
        + summed(fields[layer].activity_slope(values[layer]) * arriving[layer])
        for layer in error
    }
    return back, gated
