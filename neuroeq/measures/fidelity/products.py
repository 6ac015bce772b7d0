"""The gradient of every parameter from errors in the drives: dC/dW_ij = <a_i delta_j>, dC/db_j = <delta_j>."""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Equilibrium, Params, VectorField

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
        The derivative of the cost in the drive of every unit, by layer: (batch, n).
    """
    network, gradient, m = substrate.network, {}, len(at.outputs)
    for name in substrate.params:
        if name not in network.projections:
            gradient[name] = delta[name.removesuffix(".bias")].mean(axis=0)
            continue
        source, target = network.projections[name].source, network.projections[name].target
        value = at.activity[source].T @ delta[target] / m
        if network.symmetric(name):
            value = value + delta[source].T @ at.activity[target] / m
        gradient[name] = value
    return substrate.shaped(gradient)
