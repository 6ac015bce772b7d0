"""The gradient of every parameter from errors in the drives: dC/dW_ij = <a_i delta_j>, dC/db_j = <delta_j>.

It is summed over the synapses that share a weight.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Equilibrium, Params, VectorField
from neuroeq.physics.components import first, paired

Array = np.ndarray


def products(substrate: VectorField, at: Equilibrium, delta: dict[str, Array]) -> Params:
    """Return the gradient of every parameter, averaged over the batch.

    Parameters
    ----------
    substrate
        The network of neurons.
    at
        The equilibrium whose activities a are taken.
    delta
        The derivative of the cost in the drive of every unit, by layer: (batch, n), or (components, batch, n).
    """
    network, gradient, m = substrate.network, {}, len(at.outputs)
    maps, ones = substrate.simulation.operators, np.ones((m, 1))
    for name in substrate.params:
        if name not in network.projections:
            gradient[name] = maps[name].outer(ones, first(delta[name.removesuffix(".bias")])) / m
            continue
        source, target = network.projections[name].source, network.projections[name].target
        value = maps[name].outer(*paired(at.activity[source], delta[target])) / m
        if network.symmetric(name):
            value = value + maps[name].outer(delta[source], at.activity[target]) / m
        gradient[name] = value
    return substrate.shaped(gradient)
