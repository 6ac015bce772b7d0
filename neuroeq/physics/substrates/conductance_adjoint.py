"""The gradient of a cost at the operating point of a resistor network, by implicit differentiation.

    Jac^T lam = dC/dv,   dC/dg = (lam_j - k_i lam_i) (u_i - v_j)

with Jac the derivative of Kirchhoff's current law in the node voltages that can move, and k_i the gain at which an
amplifier passes currents back.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Params

from ..circuits.assembly import gains
from ..circuits.circuit import Circuit
from ..circuits.equations import drive_circuit
from ..circuits.stacked import Stacked
from .settled import Settled

Array = np.ndarray


def conductance_adjoint(circuit: Circuit, settled: Settled, output: str, pull: Array) -> tuple[Params, Params]:
    """Return dC/dg of every conductance, and dC/dI of currents into the nodes of every layer, over the batch.

    Parameters
    ----------
    circuit
        The layout of the circuit: its layers, resistors and amplifiers.
    settled
        The free operating point of the batch.
    output
        The layer whose nodes the cost reads.
    pull
        The derivative dC/dv in the voltages of these nodes: (batch, n).
    """
    system = Stacked(drive_circuit(settled.assembly, settled.drive))
    v = system.begin(settled.voltages)
    slope, clamped, coupling = system.slope(v), (v <= system.low) | (v >= system.high), system.coupling()
    cost = np.zeros_like(v)
    cost[:, system.at[output]] = pull
    lam = np.zeros_like(v)
    for sample in range(len(v)):
        moving = ~clamped[sample]
        jac = np.diag(slope[sample][moving]) - coupling[np.ix_(moving, moving)]
        lam[sample, moving] = np.linalg.solve(jac.T, cost[sample, moving])
    part, m = system.part(lam), len(v)
    gradient: Params = {}
    for name, (source, target) in circuit.resistors.items():
        amplifier = gains(circuit.layers[source], v.dtype) if source in circuit.layers else None
        forward, back = (1.0, 1.0) if amplifier is None else amplifier
        u = settled.assembly.sources[source] if source in circuit.sources else settled.voltages[source] * forward
        into, out = part[target], part[source] * back if source in circuit.layers else np.zeros_like(u)
        array, v_end = circuit.operator(name), settled.voltages[target]
        ones = [np.ones((1, n)) for n in array.ends]
        gradient[name] = (
            array.outer(u, into)
            - array.outer(ones[0], (into * v_end).sum(axis=0, keepdims=True))
            - array.outer((u * out).sum(axis=0, keepdims=True), ones[1])
            + array.outer(out, v_end)
        ) / m
    return gradient, {layer: value.mean(axis=0) for layer, value in part.items()}
