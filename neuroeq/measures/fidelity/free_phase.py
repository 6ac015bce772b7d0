"""Properties of a free phase that follow from its equations: gradient through time, asymmetry, units at a kink."""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Params, Substrate
from neuroeq.errors import EquationError
from neuroeq.physics.substrates.stability import unclipped, unclipped_states

from .bptt import backpropagate
from .implicit import SETTLED

Array = np.ndarray
AT_REST = 1e-9
"""The net drive below which a clipped unit is not pressed against its bound."""


def through_time(substrate: Substrate, inputs: Array, targets: Array) -> Params:
    """Return the gradient through as many steps as the nudged phase has; empty if these have no derivative."""
    field = substrate.as_field()
    if field is None:
        return {}
    try:
        free = substrate.relax(inputs, stop=substrate.stop(substrate.network.phases.free))
        steps = substrate.stop(substrate.network.phases.nudged).steps
        return backpropagate(field, free, inputs, targets, steps).total
    except EquationError:
        return {}


def asymmetry(substrate: Substrate, inputs: Array) -> float | None:
    """Return |Jac - Jac^T| / |Jac| among the units of the first example that can move; None if it is not known."""
    field = substrate.as_field()
    if field is None:
        return 0.0 if substrate.reciprocal else None
    free = substrate.relax(inputs, stop=substrate.stop(substrate.network.phases.free))
    moving = unclipped(substrate.network, free, 0)
    if not moving.any():
        return 0.0
    jac = field.jacobian(free, 0)[np.ix_(moving, moving)]
    return float(np.linalg.norm(jac - jac.T) / np.linalg.norm(jac))


def kinks(substrate: Substrate, inputs: Array) -> int:
    """Return the number of clipped units without a net drive; 0 for all but rate networks."""
    field = substrate.as_field()
    if field is None:
        return 0
    free = substrate.relax(inputs, stop=SETTLED)
    inside = unclipped_states(substrate.network, free)
    try:
        values = field.field_values(free)
        rates = {layer: each.functions[0](values[layer]) for layer, each in field.fields.items()}
    except EquationError:
        return 0
    return sum(int((~inside[layer] & (np.abs(rate) < AT_REST)).sum()) for layer, rate in rates.items())
