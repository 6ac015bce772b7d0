"""How well Kirchhoff's current law holds, and what a reciprocal circuit minimises.

f_l(v)     = b_l + sum_m v_m M_ml - D_l v_l - i_diode(v_l)
residual   = max |f| / max |i_resistor|          over nodes that no ideal diode clamps
co-content   P(v) = sum 1/2 g dv^2 + sum 1/2 p (y - v)^2 - I.v + sum int i_diode,  dP/dv = -f,  computed as
             P(v) = -1/2 v.(f_linear + b) + sum_sources 1/2 g x^2 + sum_pulls 1/2 p y^2 + sum int i_diode
"""

from __future__ import annotations

import numpy as np

from .assembly import shown
from .circuit import Array
from .equations import NodeEquations, Voltages
from .junctions import Junctions, bounds

TINY = np.finfo(float).tiny


def net_current(equations: NodeEquations, voltages: Voltages) -> dict[str, Array]:
    """Return f, the current that flows into each node and not out of it; what an ideal diode draws is left in.

    Parameters
    ----------
    equations
        The node equations of the driven circuit.
    voltages
        Node voltages by layer, held layers included: (batch, n). [V]

    Returns
    -------
    dict
        Net currents by layer, (batch, n). [A]
    """
    return {
        name: equations.linear_current(name, voltages) - Junctions(layer).current(voltages[name])
        for name, layer in equations.circuit.layers.items()
    }


def violations(equations: NodeEquations, voltages: Voltages) -> tuple[float, float]:
    """Return by how much Kirchhoff's law and the directions of ideal diodes are violated.

    Parameters
    ----------
    equations
        The node equations of the driven circuit.
    voltages
        Node voltages by layer, held layers included: (batch, n). [V]

    Returns
    -------
    residual
        Largest net current into a node that no ideal diode clamps. [A]
    backwards
        Largest current that a clamping ideal diode would have to carry backwards. [A]
    """
    residual, backwards = 0.0, 0.0
    current = net_current(equations, voltages)
    for name in equations.free:
        f, v = current[name], voltages[name]
        interval = bounds(equations.circuit.layers[name], v.dtype)
        if interval is None:
            residual = max(residual, float(np.abs(f).max()))
            continue
        at_low, at_high = v <= interval[0], v >= interval[1]
        residual = max(residual, float(np.abs(np.where(at_low | at_high, 0, f)).max()))
        wrong = np.where(at_low & ~at_high, f, 0) - np.where(at_high & ~at_low, f, 0)
        backwards = max(backwards, float(wrong.max()))
    return residual, backwards


def largest_current(equations: NodeEquations, voltages: Voltages) -> float:
    """Return the largest current through a resistor or a pull, of each array in the sample that drives it hardest [A].

    Looking at one sample of the batch is cheap; what is larger elsewhere would only make a residual smaller.
    """
    largest = 0.0
    for name, (source, target) in equations.circuit.resistors.items():
        start = driving(equations, source, voltages)
        sample = int(np.square(start).sum(axis=1).argmax())
        end = voltages[target][sample if len(start) > 1 else 0]
        largest = max(largest, equations.circuit.operator(name).largest(equations.assembly.g[name], start[sample], end))
    for layer, (pull, y) in equations.drive.pulls.items():
        largest = max(largest, float(np.abs(pull * (y - voltages[layer])).max()))
    return largest


def rounding(equations: NodeEquations, voltages: Voltages) -> float:
    """Return the net current that the rounding of voltages alone can leave at a node [A]."""
    largest, left = max(float(np.abs(v).max()) for v in [*equations.assembly.sources.values(), *voltages.values()]), 0.0
    for name in equations.free:
        v = voltages[name]
        through_diodes = Junctions(equations.circuit.layers[name]).slope(v) * np.abs(v)
        left = max(left, float((equations.diagonal[name] * largest + through_diodes).max()))
    return 4 * float(np.finfo(equations.dtype).eps) * left


def driving(equations: NodeEquations, name: str, voltages: Voltages) -> Array:
    """Return the voltages at the start of the resistors that leave a source or a layer, (batch, n) or (1, n) [V]."""
    if name in equations.assembly.sources:
        return equations.assembly.sources[name]
    return shown(equations.circuit.layers[name], voltages[name])


def co_content(equations: NodeEquations, voltages: Voltages) -> Array:
    """Return the co-content of a reciprocal circuit, (batch,) [W].

    The diodes' part counts from the voltage where they carry no current. Kendall et al. 2020, arXiv:2006.01981.

    Parameters
    ----------
    equations
        The node equations of the driven circuit.
    voltages
        Node voltages by layer, held layers included: (batch, n). [V]
    """
    total = np.zeros(equations.batch)
    for name, layer in equations.circuit.layers.items():
        v = voltages[name]
        both = equations.linear_current(name, voltages) + equations.injected[name]
        total = total - np.einsum("bn,bn->b", v, both) / 2 + Junctions(layer).content(v)
    for name, (source, _) in equations.circuit.resistors.items():
        if source in equations.assembly.sources:
            leaving = equations.circuit.operator(name).outgoing(equations.assembly.g[name])
            total = total + equations.assembly.sources[source] ** 2 @ leaving / 2
    for pull, y in equations.drive.pulls.values():
        total = total + np.broadcast_to(pull * np.square(y), (equations.batch, np.shape(y)[-1])).sum(axis=1) / 2
    return total
