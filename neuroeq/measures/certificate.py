"""A proof, by Gershgorin's discs, that a network of units that leak through their weights has one equilibrium only.

    tau ds/dt = A s + c, clipped to a box;    A_ji = W_ij over free units i,    A_jj = -b_j
    b_j = sum_k W_jk over free units k + count_clamped (sum of W_ij over clamped i)

    rows:     sum_i |W_ij| < b_j  for all j        columns:  sum_k |W_jk| < b_j  for all j

Each condition makes a small Euler step, s <- clip(s + h (A s + c)), a contraction: rows in the maximum norm, columns in
the sum norm, and clipping never moves two states apart. So every input has exactly one fixed point.

Summed over all units, both conditions require  sum |W| < sum W + count_clamped (sum of clamped W).  With the leak of
DEEP itself, count_clamped = 0, this is impossible, so neither condition can hold.

Farinha, Pequito, Santos & Figueiredo 2020, arXiv:2006.08798.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import free_layers
from neuroeq.describe.operators import free_weights
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.physics.engine import strength
from neuroeq.units import physical

Array = np.ndarray


@dataclass(frozen=True)
class Certificate:
    """The result of the test by Gershgorin's discs.

    Parameters
    ----------
    rows, columns
        Whether every row, or every column, is dominated by its leak.
    margin
        The smallest distance of a disc from 0, in the better of the two versions; negative if neither holds.
    """

    rows: bool
    columns: bool
    margin: float

    def __bool__(self) -> bool:
        """Whether it is proved that there is one equilibrium only."""
        return self.rows or self.columns


def certificate(network: Network, params: Params) -> Certificate:
    """Look for a proof that a network has one equilibrium for every input.

    Parameters
    ----------
    network
        The resolved network, whose units leak through their weights (neuron ``deep``).
    params
        The weights of the network, by name.

    Raises
    ------
    SpecError
        If its units leak in another way.
    """
    weight, leak = np.abs(free_weights(network, params)), leaks(network, params)
    rows, columns = leak - weight.sum(axis=0), leak - weight.sum(axis=1)
    return Certificate(bool((rows > 0).all()), bool((columns > 0).all()), float(max(rows.min(), columns.min())))


def leaks(network: Network, params: Params) -> Array:
    """Return the leak b of every free unit: (n,)."""
    return np.concatenate([_leak(network, params, layer) for layer in free_layers(network)])


def _leak(network: Network, params: Params, layer: str) -> Array:
    model = network.neuron(layer)
    if model is None or "outgoing" not in model.equations or "count_clamped" not in model.parameters:
        raise SpecError(
            f"{network.where}: layers.{layer} has neuron '{model and model.name}', whose leak is not the sum of its "
            "weights; the certificate is for neuron 'deep'."
        )
    share = physical(str(model.parameters["count_clamped"])).value
    clamped = strength(network, params, "incoming_clamped", layer)
    return strength(network, params, "outgoing", layer) + share * clamped
