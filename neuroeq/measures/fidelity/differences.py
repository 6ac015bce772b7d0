"""The gradient of the cost by central differences of settled free phases: slow, but independent of any theory."""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Substrate
from neuroeq.learning.costs import cost_of

from .implicit import SETTLED, in_double_precision

Array = np.ndarray


def finite_differences(
    substrate: Substrate,
    inputs: Array,
    targets: Array,
    entries: dict[str, Array],
    shift: float = 1e-5,
) -> dict[str, Array]:
    """Return dC/dtheta of some entries.

    Parameters
    ----------
    substrate
        The substrate, whose free phase has to be deterministic; it is taken in double precision.
    inputs, targets
        The inputs and targets of the batch: (batch, n_input) and (batch, n_output).
    entries
        The flat indices of the entries, by parameter: (k,).
    shift
        The amount by which each entry is moved up and down. A conductance that cannot be lowered is moved up only.

    Returns
    -------
    dict
        dC/dtheta of these entries, by parameter: (k,).
    """
    if substrate.network.physics.precision == "float32":  # which would never settle so far
        substrate = in_double_precision(substrate, len(inputs))
    cost, params = cost_of(substrate.network.phases), substrate.params
    settled = substrate.relax(inputs, stop=SETTLED)  # from where moved entries settle soon, and at the same equilibrium

    def loss(name: str, index: int, by: float) -> float:
        value = params[name].astype(float)
        value.flat[index] += by
        source = substrate.network.projections.get(name)
        if source is not None and source.source == source.target:
            value.T.flat[index] += by
        substrate.hold({**params, name: value})
        return float(cost.value(substrate.relax(inputs, start=settled, stop=SETTLED).outputs, targets).mean())

    gradient = {}
    for name, indices in entries.items():
        down = (
            np.where(params[name].flat[indices] < shift, 0.0, shift) if substrate.network.kind.conductances else shift
        )
        lower = np.broadcast_to(down, len(indices))
        gradient[name] = np.array(
            [
                (loss(name, int(index), shift) - loss(name, int(index), -below)) / (shift + below)
                for index, below in zip(indices, lower, strict=True)
            ]
        )
    substrate.hold(params)
    return gradient
