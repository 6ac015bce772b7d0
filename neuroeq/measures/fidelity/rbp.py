"""Recurrent backpropagation by a side network in Brian2, which the nudged phase follows step by step.

    tau de/dt = Jac^T e,   e(0) = -dC/ds(s0)              lim (1/beta) tau ds^beta/dt = e
    tau dT/dt = (dmu/dtheta)^T e,   T(0) = 0              lim (1/beta) [E'(s0) - E'(s^beta)] = T -> -dJ/dtheta

Where the Jacobian is not symmetric, the nudged phase has Jac in place of Jac^T, unless the correction is added. Units
that are clipped at s0 are left out.

Almeida 1987; Pineda 1987; Scellier & Bengio 2019, Neural Comput. 31:312, arXiv:1711.08416.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from neuroeq.contract import Equilibrium, Nudge, NudgeMode, Params, Stop, VectorField, as_rule
from neuroeq.learning.costs import cost_of
from neuroeq.registry import RULES

from .implicit import SETTLED
from .products import products
from .side import SideNetwork

Array = np.ndarray
SHOWN = 4
"""The numbers of units and of parameters whose trajectories are kept."""


@dataclass(frozen=True)
class Trajectory:
    """A nudged phase beside recurrent backpropagation, step by step.

    Parameters
    ----------
    beta
        The strength of the nudge.
    times
        The time at the end of every step: (steps,) [s].
    states, errors
        tau ds/dt divided by beta, and e, of the units with the largest errors in the batch: (steps, n).
    changes, gradients
        The update divided by beta, and T, of the parameters with the largest T: (steps, n).
    state_error, parameter_error
        The largest distance of the two over all steps, divided by the largest |e| and the largest |T|.
    """

    beta: float
    times: Array
    states: Array
    errors: Array
    changes: Array
    gradients: Array
    state_error: float
    parameter_error: float


def follow(
    substrate: VectorField, inputs: Array, targets: Array, beta: float, steps: int, mode: NudgeMode = "state"
) -> Trajectory:
    """Run a nudged phase and recurrent backpropagation side by side.

    Parameters
    ----------
    substrate
        The network, as rate equations.
    inputs, targets
        The batch: (batch, n_input) and (batch, n_output).
    beta
        The strength of the nudge.
    steps
        The number of steps of the nudged phase.
    mode
        The mode of the nudge; ``"corrected"`` compensates for weights that are not symmetric.

    Raises
    ------
    NeuroeqError
        If the network has no vector field.
    """
    free = substrate.relax(inputs, stop=SETTLED)
    side = SideNetwork(substrate, free, targets)
    errors = side.run(steps)
    path = _nudged(substrate, inputs, Nudge(beta, targets, cost_of(substrate.network.phases), mode, free), free, steps)
    rates = [
        {
            layer: (after.state[layer] - before.state[layer]) * substrate.simulation.scale(layer) / beta
            for layer in free.state
        }
        for before, after in pairwise(path)
    ]
    gradients = _integrated(substrate, free, side.gates, errors)
    changes = [_change(substrate, free, end, beta) for end in path[1:]]
    one, other = _stacked(rates), _stacked(errors)
    change, gradient = (np.array([_flat(each) for each in params]) for params in (changes, gradients))
    units, weights = _loudest(other), _loudest(gradient)
    return Trajectory(
        beta,
        substrate.simulation.dt * np.arange(1, steps + 1),
        one[:, units],
        other[:, units],
        change[:, weights],
        gradient[:, weights],
        _distance(one, other),
        _distance(change, gradient),
    )


def _nudged(substrate: VectorField, inputs: Array, nudge: Nudge, free: Equilibrium, steps: int) -> list[Equilibrium]:
    path = [free]
    for _ in range(steps):
        path.append(substrate.relax(inputs, nudge, path[-1].resume, stop=Stop(1)))
    return path


def _change(substrate: VectorField, free: Equilibrium, end: Equilibrium, beta: float) -> Params:
    """Return the update of a nudged phase that ends there: by energies, or by vector fields if the rule needs these."""
    if "energy" in as_rule(RULES.get(substrate.network.training.rule)).needs:
        return substrate.energy_contrast([(1 / beta, free), (-1 / beta, end)])
    return substrate.field_contrast(free, [(1 / beta, end)])


def _integrated(
    substrate: VectorField, free: Equilibrium, gates: dict[str, Array], errors: list[dict[str, Array]]
) -> list[Params]:
    """Return T after every step: the sum of the errors in the drives up to then, times the free activities."""
    sums = {layer: np.zeros_like(gate) for layer, gate in gates.items()}
    gradients = []
    for error in errors:
        for layer, gate in gates.items():
            sums[layer] = sums[layer] + gate * error[layer] / substrate.simulation.scale(layer)
        gradients.append(products(substrate, free, sums))
    return gradients


def _stacked(by_layer: list[dict[str, Array]]) -> Array:
    """Return one row for each step, with all units of all samples."""
    return np.array([np.concatenate(list(each.values()), axis=1).ravel() for each in by_layer])


def _flat(params: Params) -> Array:
    return np.concatenate([np.ravel(params[name]) for name in sorted(params)])


def _distance(rows: Array, exact: Array) -> float:
    """Return the largest distance of two rows, divided by the largest exact row; nan if all of these are 0."""
    size = float(np.linalg.norm(exact, axis=1).max())
    return float(np.linalg.norm(rows - exact, axis=1).max()) / size if size else float("nan")


def _loudest(rows: Array) -> Array:
    """Return the columns with the largest values."""
    return np.argsort(np.abs(rows).max(axis=0))[::-1][:SHOWN]
