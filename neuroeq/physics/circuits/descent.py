"""Coordinate descent: layer after layer, each node where its current vanishes.

    v_l <- clip((b_l + sum_m v_m M_ml) / D_l, low, high)       ideal diodes, or none
    v_l <- rest((b_l + sum_m v_m M_ml) / D_l, D_l)             one Shockley diode at a node, see `single_diodes`

In a reciprocal circuit each step minimises the co-content over one layer, exactly. The net current that a sweep meets,
D dv, is what the descent stops on: the change of one layer alone says nothing while a nudge has not arrived there.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from neuroeq.errors import SpecError

from . import kernels
from .circuit import Array
from .equations import NodeEquations, Voltages
from .junctions import bounds
from .single_diodes import single_diodes

FEW_PRODUCTS, MANY_SWEEPS = 20_000, 10
"""Multiplications per sweep, and sweeps: with more of the first or fewer of the second, NumPy is faster than numba."""


def descend(
    equations: NodeEquations,
    start: Voltages,
    *,
    threshold: float | None,
    sweeps: int,
    order: Sequence[str],
    compiled: bool | None = None,
) -> tuple[dict[str, Array], int]:
    """Sweep over the layers.

    Parameters
    ----------
    equations
        The node equations of a driven circuit without resistors within a layer, and with diodes as above.
    start
        Voltages by layer, held layers included. [V]
    threshold
        Net current below which a sweep is the last; None for exactly so many `sweeps`. [A]
    sweeps
        Largest number of sweeps.
    order
        The free layers, in the order in which a sweep visits them.
    compiled
        Whether numba does the sweeps; if None, where it is installed and the faster. Not with Shockley diodes.

    Returns
    -------
    voltages
        Node voltages of the free layers, (batch, n). [V]
    sweeps
        Number of sweeps that were done.

    Raises
    ------
    SpecError
        If Shockley diodes are to be solved by numba.
    """
    updates = [_Update(equations, layer, start) for layer in order]
    linear = all(update.diodes is None for update in updates)
    if compiled and not linear:
        raise SpecError("compiled is True with Shockley diodes, which only NumPy's sweeps solve; leave compiled out.")
    if compiled is None:
        couplings = [coupling for update in updates for _, coupling in update.neighbours]
        products = equations.batch * sum(prod(coupling.ends) for coupling in couplings)
        compiled = linear and products < FEW_PRODUCTS and sweeps >= MANY_SWEEPS and kernels.available()
    if compiled:
        return _descend_compiled(equations, start, updates, threshold, sweeps)
    voltages, done, met = dict(start), 0, np.inf
    while done < sweeps and (threshold is None or met > threshold):
        done, met = done + 1, 0.0
        for update in updates:
            before = voltages[update.layer]
            voltages[update.layer] = update.minimiser(voltages)
            if threshold is not None:
                met = max(met, float((np.abs(voltages[update.layer] - before) * update.diagonal).max()))
    return {layer: voltages[layer] for layer in order}, done


class _Update:
    """The update of one layer, with everything that is the same in all sweeps."""

    def __init__(self, equations: NodeEquations, layer: str, voltages: Voltages) -> None:
        self.layer, self.diagonal = layer, equations.diagonal[layer]
        self.injected = equations.injected[layer]
        self.neighbours = []
        for other, coupling in equations.assembly.neighbours[layer]:
            if other in equations.drive.held:
                self.injected = self.injected + coupling.arriving(voltages[other])
            else:
                self.neighbours.append((other, coupling))
        self.bounds = bounds(equations.circuit.layers[layer], self.injected.dtype)
        self.diodes = single_diodes(equations.circuit.layers[layer])

    def minimiser(self, voltages: Voltages) -> Array:
        """Return where the net current into each node vanishes, or an ideal diode stops it: (batch, n) [V]."""
        current = self.injected
        for other, coupling in self.neighbours:
            arriving = coupling.arriving(voltages[other])
            current = np.add(current, arriving, out=arriving)
        into = current if self.neighbours else None
        v = np.divide(current, self.diagonal, out=into)
        if self.diodes is not None:
            return self.diodes.rest(v, self.diagonal)
        if self.bounds is None:
            return v
        # This is twice as fast as np.clip on arrays this small.
        return np.minimum(np.maximum(v, self.bounds[0], out=into), self.bounds[1], out=into)


def _descend_compiled(
    equations: NodeEquations, start: Voltages, updates: Sequence[_Update], threshold: float | None, sweeps: int
) -> tuple[dict[str, Array], int]:
    """Lay all nodes side by side and let numba do the sweeps."""
    ends = np.cumsum([len(update.diagonal) for update in updates])
    at = {update.layer: (end - len(update.diagonal), end) for update, end in zip(updates, ends, strict=True)}
    v, constant = np.empty((2, equations.batch, ends[-1]), equations.dtype)
    low, high, diagonal = np.empty((3, ends[-1]), equations.dtype)
    edges, matrices, place = [], [], 0
    for number, update in enumerate(updates):
        nodes = slice(*at[update.layer])
        v[:, nodes], diagonal[nodes] = start[update.layer], update.diagonal
        constant[:, nodes] = update.injected / update.diagonal
        low[nodes], high[nodes] = update.bounds or (-np.inf, np.inf)
        for other, coupling in update.neighbours:
            edges.append((number, *at[other], place))
            matrices.append((coupling.matrix / update.diagonal).ravel())
            place += matrices[-1].size
    flat = np.concatenate(matrices) if matrices else np.empty(0, equations.dtype)
    layout = np.array(list(at.values())), np.array(edges, int).reshape(-1, 4), flat
    aim = -1.0 if threshold is None else threshold
    done = kernels.compiled_sweeps()(v, constant, low, high, diagonal, *layout, aim, sweeps)
    return {layer: v[:, first:last] for layer, (first, last) in at.items()}, done
