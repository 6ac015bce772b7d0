"""Kirchhoff's current law at every node of a driven circuit.

f_l(v) = b_l + sum_m v_m M_ml - D_l v_l - i_diode(v_l)

b_l = sum_sources x G + I + p y            D_l = sum_in g + A k sum_out g + p
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neuroeq.errors import DataError

from .assembly import Assembly
from .circuit import Array, Circuit, Drive

Voltages = Mapping[str, Array]
"""Node voltages by layer: (batch, n). [V]"""
LEAK = 1e-12
"""Conductance to ground of a node that no resistor reaches, as a fraction of the largest sum of conductances."""


@dataclass(frozen=True)
class NodeEquations:
    """Kirchhoff's current law at every node of a driven circuit.

    Parameters
    ----------
    assembly
        The conductances and sources of the circuit, summed up by `assemble`.
    drive
        Currents, pulls and held layers.
    diagonal
        D by layer: (n,). [S]
    injected
        b by layer: (batch, n) or (1, n). [A]
    batch
        Number of samples in the batch.
    """

    assembly: Assembly
    drive: Drive
    diagonal: Mapping[str, Array]
    injected: Mapping[str, Array]
    batch: int

    @property
    def dtype(self) -> np.dtype:
        """The precision of the whole system: the common type of conductances, sources and all else."""
        return np.result_type(*self.injected.values())

    @property
    def circuit(self) -> Circuit:
        """The circuit that the equations are those of."""
        return self.assembly.circuit

    @property
    def free(self) -> list[str]:
        """The layers that are not held."""
        return [layer for layer in self.circuit.layers if layer not in self.drive.held]

    def linear_current(self, layer: str, voltages: Voltages) -> Array:
        """Return the net current into the nodes of a layer without its diodes, (batch, n) [A]."""
        return self.arriving(layer, voltages) - self.diagonal[layer] * voltages[layer]

    def arriving(self, layer: str, voltages: Voltages) -> Array:
        """Return b_l + sum_m v_m M_ml, (batch, n) [A]."""
        current = self.injected[layer]
        for other, coupling in self.assembly.neighbours[layer]:
            current = current + coupling.arriving(voltages[other])
        return current


def drive_circuit(assembly: Assembly, drive: Drive) -> NodeEquations:
    """Add currents, pulls and held layers to what conductances and sources contribute.

    Parameters
    ----------
    assembly
        The conductances and sources of the circuit, summed up by `assemble`.
    drive
        Currents, pulls and held layers; its sources are those of the assembly.

    Raises
    ------
    DataError
        If a layer is unknown, a value is not finite or of the wrong shape, or a node is left without conductance.
    """
    circuit, diagonal, injected = assembly.circuit, dict(assembly.sums), dict(assembly.injected)
    acting = {"current": drive.currents, "pull": {k: y for k, (_, y) in drive.pulls.items()}, "held": drive.held}
    for what, values in acting.items():
        for layer, value in values.items():
            _check(circuit, what, layer, value)
    for layer, current in drive.currents.items():
        injected[layer] = injected[layer] + current
    for layer, (pull, target) in drive.pulls.items():
        diagonal[layer] = diagonal[layer] + pull
        injected[layer] = injected[layer] + pull * np.atleast_2d(target)
    for layer in circuit.layers:
        if layer not in drive.held:
            diagonal[layer] = grounded(diagonal[layer], injected[layer])
            _check_grounded(layer, diagonal[layer], assembly.sums[layer])
    batch = max(len(np.atleast_2d(value)) for value in [*injected.values(), *drive.held.values()])
    return NodeEquations(assembly, drive, diagonal, injected, batch)


def grounded(diagonal: Array, injected: Array) -> Array:
    """Return the sums of conductances at the nodes of a layer, where isolated nodes leak to ground.

    A node without conductance and current stays at 0 V, or where its diodes let it rest, as SPICE's gmin has it; it
    takes part again as soon as learning gives it a conductance.

    Parameters
    ----------
    diagonal
        Sums of the conductances at the nodes: (n,). [S]
    injected
        Currents into the nodes at 0 V: (batch, n). [A]
    """
    isolated = diagonal == 0
    if not isolated.any():
        return diagonal
    isolated &= ~np.any(injected, axis=0)
    largest = diagonal.max() or diagonal.dtype.type(1)
    return np.where(isolated, diagonal.dtype.type(LEAK) * largest, diagonal)


def _check(circuit: Circuit, what: str, layer: str, value: Array) -> None:
    if layer not in circuit.layers:
        raise DataError(f"drive: {what} at '{layer}'; expected one of the layers {list(circuit.layers)}.")
    if np.shape(value)[-1:] != (circuit.layers[layer].size,):
        raise DataError(
            f"drive: {what} at '{layer}' has shape {np.shape(value)}; expected (batch, {circuit.layers[layer].size})."
        )
    if not np.isfinite(value).all():
        raise DataError(f"drive: {what} at '{layer}' is not finite; mend the values.")


def _check_grounded(layer: str, diagonal: Array, sums: Array) -> None:
    node = int(diagonal.argmin())
    if not np.isfinite(diagonal[node]):
        raise DataError(f"the pull at layer '{layer}' is not finite; mend it.")
    if diagonal[node] > 0:
        return
    if sums[node] > 0:
        raise DataError(
            f"node {node} of layer '{layer}' is pulled with {diagonal[node] - sums[node]:.3g} S against conductances "
            f"of {sums[node]:.3g} S: it would run away; nudge with a smaller beta."
        )
    if sums[node] < 0:
        raise DataError(
            f"the amplifier at node {node} of layer '{layer}' injects more current than its resistors draw: it would "
            "run away; expected a back_gain >= 0."
        )
    raise DataError(
        f"a current flows into node {node} of layer '{layer}', and no conductance lets it out; give one of its "
        "resistors a conductance above 0."
    )
