"""All free nodes side by side, split into e, nodes without resistors among themselves, and k, the others.

The Jacobian of the node currents, J = D + diode slopes - M^T, has a diagonal block at e. A Newton step  J dv = f  is

    S dv_k = f_k + M_ek^T (f_e / d_e),     S = d_k - M_kk^T - M_ek^T diag(1 / d_e) M_ke^T
    dv_e   = (f_e + M_ke^T dv_k) / d_e

S is small, dense and solved for all samples at once. A node that an ideal diode clamps has an infinite slope: dv = 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .circuit import Array, Circuit
from .equations import NodeEquations, Voltages
from .junctions import Junctions, bounds

SLACK = 10.0
"""Factor on the largest current that a diode might pass; the diode's voltage hardly depends on it."""


class Stacked:
    """The free nodes of a driven circuit as vectors, eliminated nodes first.

    Parameters
    ----------
    equations
        The node equations of the driven circuit.

    Attributes
    ----------
    diagonal
        Sum D of the conductances at each node: (n,). [S]
    injected
        b, with what held layers add to it: (batch, n). [A]
    low, high
        Voltages at which ideal diodes clamp the nodes, (n,); infinite elsewhere. [V]
    """

    def __init__(self, equations: NodeEquations) -> None:
        circuit, free = equations.circuit, equations.free
        eliminated = _heaviest_independent(circuit, free)
        self.layers = [*eliminated, *(layer for layer in free if layer not in eliminated)]
        ends = np.cumsum([circuit.layers[layer].size for layer in self.layers])
        self.at = {
            layer: slice(int(end) - circuit.layers[layer].size, int(end))
            for layer, end in zip(self.layers, ends, strict=True)
        }
        self.size = int(ends[-1])
        self.split = sum(circuit.layers[layer].size for layer in eliminated)
        self.diagonal = np.concatenate([equations.diagonal[layer] for layer in self.layers]).astype(float)
        self.injected = np.concatenate([_injected(equations, layer) for layer in self.layers], axis=1)
        self.junctions = {
            layer: junctions
            for layer in self.layers
            if (junctions := Junctions(circuit.layers[layer])).high.size or junctions.low.size
        }
        self._clamp(circuit)
        self._couple(equations)

    def _clamp(self, circuit: Circuit) -> None:
        self.low, self.high = np.full(self.size, -np.inf), np.full(self.size, np.inf)
        for layer, place in self.at.items():
            interval = bounds(circuit.layers[layer], self.low.dtype)
            if interval is not None:
                self.low[place], self.high[place] = interval
        self.clamped = bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def _couple(self, equations: NodeEquations) -> None:
        e, k = self.split, self.size - self.split
        ek, ke, kk = np.zeros((e, k)), np.zeros((k, e)), np.zeros((k, k))
        for target, to in self.at.items():
            for source, coupling in equations.assembly.neighbours[target]:
                if source not in self.at:
                    continue
                at, matrix = self.at[source], coupling.matrix
                if at.stop <= e:
                    ek[at, to.start - e : to.stop - e] += matrix
                elif to.stop <= e:
                    ke[at.start - e : at.stop - e, to] += matrix
                else:
                    kk[at.start - e : at.stop - e, to.start - e : to.stop - e] += matrix
        self.ek, self.ke, self.kk = ek, ke, kk if kk.any() else None

    def begin(self, voltages: Voltages) -> Array:
        """Return voltages by layer as (batch, n), moved to where the diodes allow them to be [V].

        Ideal diodes: the interval; others: where none passes more than all resistors together could feed it.
        """
        v = np.concatenate([voltages[layer] for layer in self.layers], axis=1).astype(float)
        largest = np.abs(self.injected).max() + self.diagonal * np.abs(self.injected / self.diagonal).max()
        for layer, junctions in self.junctions.items():
            v[:, self.at[layer]] = junctions.within(v[:, self.at[layer]], SLACK * largest[self.at[layer]])
        return np.clip(v, self.low, self.high)

    def part(self, v: Array) -> dict[str, Array]:
        """Split voltages of all nodes, (batch, n), into those of each layer [V]."""
        return {layer: v[:, place] for layer, place in self.at.items()}

    def linear_current(self, v: Array, injected: Array) -> Array:
        """Return the net current into the nodes without diodes, (batch, n) [A]."""
        current = injected - self.diagonal * v
        e = self.split
        current[:, :e] += v[:, e:] @ self.ke
        current[:, e:] += v[:, :e] @ self.ek
        if self.kk is not None:
            current[:, e:] += v[:, e:] @ self.kk
        return current

    def diode_current(self, v: Array) -> Array:
        """Return the currents that the diodes draw from the nodes, (batch, n) [A]."""
        current = np.zeros_like(v)
        for layer, junctions in self.junctions.items():
            current[:, self.at[layer]] = junctions.current(v[:, self.at[layer]])
        return current

    def slope(self, v: Array) -> Array:
        """Return the diagonal of J: (batch, n) [S]."""
        slope = np.tile(self.diagonal, (len(v), 1))
        for layer, junctions in self.junctions.items():
            slope[:, self.at[layer]] += junctions.slope(v[:, self.at[layer]])
        return slope

    def content(self, v: Array) -> Array:
        """Return the co-content of the diodes: (batch,) [W]."""
        parts = [junctions.content(v[:, self.at[layer]]) for layer, junctions in self.junctions.items()]
        return sum(parts, np.zeros(len(v)))

    def step(self, slope: Array, current: Array, clamped: Array | None = None) -> Array:
        """Return the change dv of the voltages that makes the net currents zero to first order: a Newton step.

        Parameters
        ----------
        slope
            Diagonal of J, (batch, n). [S]
        current
            Net current, (batch, n). [A]
        clamped
            Nodes that stay, (batch, n); None for no such node.
        """
        e, k = self.split, self.size - self.split
        inverse = 1 / slope[:, :e] if clamped is None else ~clamped[:, :e] / slope[:, :e]
        dv = np.empty_like(current)
        if k:
            schur, right = self._schur(slope[:, e:], inverse), current[:, e:] + (current[:, :e] * inverse) @ self.ek
            if clamped is not None:
                moving = ~clamped[:, e:]
                schur *= moving[:, :, None] & moving[:, None, :]
                schur[:, range(k), range(k)] += ~moving
                right *= moving
            dv[:, e:] = np.linalg.solve(schur, right[..., None])[..., 0]
        dv[:, :e] = (current[:, :e] + dv[:, e:] @ self.ke) * inverse
        return dv

    def coupling(self) -> Array:
        """Return M^T as one matrix, from column to row: (n, n) [S]."""
        e = self.split
        coupling = np.zeros((self.size, self.size))
        coupling[:e, e:], coupling[e:, :e] = self.ke.T, self.ek.T
        if self.kk is not None:
            coupling[e:, e:] = self.kk.T
        return coupling

    def _schur(self, slope: Array, inverse: Array) -> Array:
        """Return S: (batch, k, k) [S]."""
        k = self.size - self.split
        schur = -np.matmul(self.ek.T, inverse[:, :, None] * self.ke.T)
        if self.kk is not None:
            schur -= self.kk.T
        schur[:, range(k), range(k)] += slope
        return schur


def _injected(equations: NodeEquations, layer: str) -> Array:
    current = equations.injected[layer]
    for other, coupling in equations.assembly.neighbours[layer]:
        if other in equations.drive.held:
            current = current + coupling.arriving(np.atleast_2d(equations.drive.held[other]))
    return np.broadcast_to(current, (equations.batch, current.shape[1])).astype(float)


def _heaviest_independent(circuit: Circuit, layers: Sequence[str]) -> list[str]:
    """Return the layers with most nodes in total of those without a resistor between any two, or within one."""
    if not layers:
        return []
    first, rest = layers[0], layers[1:]
    joined = {end for ends in circuit.resistors.values() if first in ends for end in ends}
    without = _heaviest_independent(circuit, rest)
    if (first, first) in circuit.resistors.values():
        return without
    taken = [first, *_heaviest_independent(circuit, [layer for layer in rest if layer not in joined])]
    return max(taken, without, key=lambda chosen: sum(circuit.layers[layer].size for layer in chosen))
