"""How strong a negative pull at the outputs may be.

    P - beta C is bounded below for  beta < lambda_min(S),     S = H_oo - H_oi H_ii^-1 H_io
    H = dP^2/dv^2 = D + diode slopes - M

over the nodes that no ideal diode clamps: o the outputs, i the others. The least sum of conductances at an output is
above this limit.
"""

from __future__ import annotations

import numpy as np

from ..curvature import output_curvatures
from .circuit import Array
from .equations import NodeEquations, Voltages
from .stacked import Stacked


def stability_limit(equations: NodeEquations, voltages: Voltages, output: str) -> Array:
    """Return the largest conductance of a negative pull that each sample bears, (batch,) [S].

    Parameters
    ----------
    equations
        The node equations of the circuit in the free phase.
    voltages
        Node voltages at the operating point, by layer: (batch, n). [V]
    output
        The layer that is pulled.
    """
    system = Stacked(equations)
    v = system.begin(voltages)
    slope, clamped = system.slope(v), (v <= system.low) | (v >= system.high)
    pulled = np.zeros(system.size, bool)
    pulled[system.at[output]] = True

    def product(which: Array, x: Array) -> Array:
        return system.linear_current(x, -(slope[which] - system.diagonal) * x)

    curvatures = output_curvatures(product, slope, pulled, ~clamped)
    return np.array([np.linalg.eigvals(each).real.min(initial=np.inf) for each in curvatures])
