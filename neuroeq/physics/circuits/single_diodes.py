"""The equilibrium voltage of a node with one Shockley diode, in closed form.

A node of conductance D would be at c without its diode; with it, to a source at `high`,

    D (v - c) + I_S (exp((v - high) / n V_t) - 1) = 0
    v = c' - n V_t w,      c' = c + I_S / D,      w + ln w = (c' - high) / n V_t + ln(I_S / (D n V_t))

w is the Wright omega function, which never overflows. A diode from a source at `low` is the same with signs turned:
s = 1 for a diode above the node, -1 below it, 0 for none,

    v = c' - s n V_t w,    c' = c + s I_S / D,    w + ln w = s (c' - bias) / n V_t + ln(I_S / (D n V_t))

Corless & Jeffrey 2002, "The Wright omega function"; its use in resistor networks: filip137/nonlinear-drn-paper (2026).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .circuit import Array, Layer
from .diodes import ShockleyDiode


@dataclass(frozen=True)
class SingleDiodes:
    """The Shockley diodes of a layer in which no node has more than one.

    Parameters
    ----------
    side
        1 where the diode keeps a node from rising, -1 from falling, 0 where there is none: (n,).
    bias
        Voltage of the source at the other end of the diode, 0 where there is none: (n,). [V]
    i_s
        Saturation current of the junction. [A]
    n_vt
        The thermal voltage times n. [V]
    """

    side: Array
    bias: Array
    i_s: float
    n_vt: float

    def rest(self, without: Array, conductance: Array) -> Array:
        """Return where nodes come to rest.

        Parameters
        ----------
        without
            Voltages that the nodes would have without diodes: (batch, n). [V]
        conductance
            Sum of the conductances of all resistors at each node: (n,). [S]

        Returns
        -------
        Array
            (batch, n), in the precision of `without`. [V]
        """
        from scipy.special import wrightomega

        shifted, level = without + self.side * (self.i_s / conductance), self.i_s / (conductance * self.n_vt)
        w = wrightomega(self.side * (shifted - self.bias) / self.n_vt + np.log(level))
        return (shifted - self.side * (self.n_vt * w)).astype(without.dtype, copy=False)


def single_diodes(layer: Layer) -> SingleDiodes | None:
    """Return the diodes of a layer, if they are Shockley's and no node has two; else None."""
    diode = layer.diode
    if type(diode) is not ShockleyDiode or diode.spice:
        return None
    low, high = (np.broadcast_to(np.asarray(bias, float), layer.size) for bias in (layer.low, layer.high))
    below, above = np.isfinite(low), np.isfinite(high)
    if (below & above).any():
        return None
    bias = np.where(above, high, np.where(below, low, 0.0))
    return SingleDiodes(above.astype(float) - below, bias, diode.saturation_current, diode.n_vt)
