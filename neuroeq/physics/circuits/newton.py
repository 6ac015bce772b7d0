"""Newton's method on Kirchhoff's current law, one Schur complement per step, for all samples of a batch.

    J dv = f(v),     v <- [v + alpha dv] into the interval of ideal diodes

Of a reciprocal circuit J is the Hessian of the co-content P, which is convex: alpha is halved until P has fallen
(Armijo), so the method converges from anywhere. Nodes that an ideal diode clamps, with a current that presses into it,
stay (Bertsekas 1982). Amplifiers make J unsymmetric and P meaningless: then alpha is halved until the norm of f / D,
cut off where ideal diodes clamp, has fallen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neuroeq.errors import DivergenceError

from .circuit import Array
from .equations import NodeEquations, Voltages
from .stacked import Stacked

ARMIJO = 1e-4
HALVINGS = 30
ROUNDING = 1e-14
"""Rounding error of the co-content, as a fraction of it; a smaller rise does not count."""
LAST_PLACE = 1e-15
"""Rounding error of a node's voltage, as a fraction of it; the current it causes cannot be told from 0."""


def newton(
    equations: NodeEquations,
    start: Voltages,
    *,
    threshold: float,
    iterations: int,
    on_iterate: Callable[[dict[str, Array]], None] | None = None,
) -> tuple[dict[str, Array], int]:
    """Solve the node equations, in double precision.

    Parameters
    ----------
    equations
        The node equations of the driven circuit.
    start
        Voltages by layer to begin with. [V]
    threshold
        Net current below which a sample is solved. [A]
    iterations
        Largest number of steps.
    on_iterate
        Called with the voltages of the free layers before the first and after each step.

    Returns
    -------
    voltages
        Node voltages of the free layers, (batch, n). [V]
    iterations
        Number of steps that were taken.

    Raises
    ------
    DivergenceError
        If the circuit has no stable operating point.
    """
    system, reciprocal = Stacked(equations), equations.circuit.reciprocal
    v = system.begin(start)
    rows, b = np.arange(len(v)), system.injected
    f, merit = _look(system, v, b, reciprocal)
    for taken in range(iterations + 1):
        if on_iterate:
            on_iterate(system.part(v.copy()))
        clamped = _pressed(system, v[rows], f)
        pushing = f if clamped is None else np.where(clamped, 0, f)
        slope = system.slope(v[rows])
        unsolved = (np.abs(pushing) > np.maximum(threshold, LAST_PLACE * slope * np.abs(v[rows]))).any(axis=1)
        if taken == iterations or not unsolved.any():
            break
        rows, b, f, merit = rows[unsolved], b[unsolved], f[unsolved], merit[unsolved]
        dv = system.step(slope[unsolved], pushing[unsolved], None if clamped is None else clamped[unsolved])
        if reciprocal and not (np.einsum("bn,bn->b", dv, f) >= 0).all():
            raise DivergenceError(
                "the circuit has no stable operating point: a negative pull exceeds the stability limit; "
                "nudge with a smaller beta."
            )
        v[rows], f, merit = _search(system, v[rows], dv, b, f, merit, reciprocal)
    return system.part(v), taken


def _look(system: Stacked, v: Array, b: Array, reciprocal: bool) -> tuple[Array, Array]:
    """Return the net currents (batch, n) and what the steps lower: the co-content, or half of the norm of f / D."""
    linear = system.linear_current(v, b)
    f = linear - system.diode_current(v)
    if reciprocal:
        return f, system.content(v) - np.einsum("bn,bn->b", v, linear + b) / 2
    aim = np.clip(v + f / system.diagonal, system.low, system.high)
    return f, np.square(aim - v).sum(axis=1) / 2


def _pressed(system: Stacked, v: Array, f: Array) -> Array | None:
    """Return which nodes an ideal diode clamps, the net current pressing into it: (batch, n)."""
    if not system.clamped:
        return None
    return ((v <= system.low) & (f <= 0)) | ((v >= system.high) & (f >= 0))


def _search(
    system: Stacked, v: Array, dv: Array, b: Array, f: Array, merit: Array, reciprocal: bool
) -> tuple[Array, Array, Array]:
    """Halve each sample's step until its merit has fallen; return voltages, net currents and merits there."""
    alpha = np.ones((len(v), 1))
    noise = ROUNDING * np.abs(merit)
    if reciprocal:
        noise += ROUNDING * np.einsum("bn,bn->b", np.abs(v), np.abs(b))
    for halvings in range(HALVINGS + 1):
        tried = np.clip(v + alpha * dv, system.low, system.high)
        there, lowered = _look(system, tried, b, reciprocal)
        promised = np.einsum("bn,bn->b", tried - v, f) if reciprocal else 2 * alpha[:, 0] * merit
        refused = ~(lowered <= merit - ARMIJO * promised + noise)
        if not refused.any() or halvings == HALVINGS:
            break
        # A merit that no step lowers is as low as rounding can show; the whole step still improves the currents.
        alpha[refused] = alpha[refused] / 2 if halvings < HALVINGS - 1 else 1
    return tried, there, lowered
