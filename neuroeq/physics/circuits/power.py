"""Where the power of a circuit comes from and where it goes; Tellegen: both sums are equal.

dissipated   resistors g (u - v)^2, pulls p (y - v)^2, diodes d(dv) dv
delivered    sources x i, current sources v I, pulls' sources y p (y - v), biases of diodes V_b i,
             holders of held layers v i, amplifiers (A - k) v I_out from their supply
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .assembly import gains, shown
from .circuit import Array
from .equations import NodeEquations, Voltages
from .junctions import Junctions, bounds
from .kirchhoff import driving, net_current


@dataclass(frozen=True)
class Power:
    """The power of every element, by sample.

    Parameters
    ----------
    dissipated
        Power that becomes heat, by resistor array, ``"<layer>.diodes"`` and ``"<layer>.pull"``: (batch,). [W]
    delivered
        By source, ``"<layer>.current"``, ``"<layer>.pull"``, ``"<layer>.bias"`` (of the diodes), ``"<layer>.holder"``
        and ``"<layer>.amplifier"`` (what its supply gives): (batch,). [W]
    """

    dissipated: Mapping[str, Array]
    delivered: Mapping[str, Array]

    @property
    def imbalance(self) -> float:
        """Largest difference of the two sums, as a fraction of all power that is turned over in the sample."""
        turned_over = sum(np.abs(power) for power in [*self.dissipated.values(), *self.delivered.values()])
        difference = sum(self.delivered.values()) - sum(self.dissipated.values())
        return float((np.abs(difference) / np.where(turned_over > 0, turned_over, 1)).max())


def power(equations: NodeEquations, voltages: Voltages) -> Power:
    """Return the power of every element at an operating point.

    Parameters
    ----------
    equations
        The node equations of the driven circuit.
    voltages
        Node voltages by layer, (batch, n). [V]
    """
    dissipated = {name: _in_resistors(equations, name, voltages) for name in equations.circuit.resistors}
    delivered = {name: _from_source(equations, name, voltages) for name in equations.circuit.sources}
    current = net_current(equations, voltages)
    for name, layer in equations.circuit.layers.items():
        v, junctions = voltages[name], Junctions(layer)
        if junctions.high.size or junctions.low.size:
            dissipated[f"{name}.diodes"], delivered[f"{name}.bias"] = _of_diodes(junctions, v)
        elif bounds(layer, v.dtype) is not None and name in equations.free:
            delivered[f"{name}.bias"] = -(v * current[name]).sum(axis=1)
        if layer.amplifier is not None:
            delivered[f"{name}.amplifier"] = _from_supply(equations, name, voltages)
        if name in equations.drive.held:
            delivered[f"{name}.holder"] = -(v * current[name]).sum(axis=1)
        if name in equations.drive.currents:
            delivered[f"{name}.current"] = (v * equations.drive.currents[name]).sum(axis=1)
        if name in equations.drive.pulls:
            pull, y = equations.drive.pulls[name]
            dissipated[f"{name}.pull"] = (pull * (y - v) ** 2).sum(axis=1)
            delivered[f"{name}.pull"] = (pull * y * (y - v)).sum(axis=1)
    return Power(dissipated, delivered)


def _in_resistors(equations: NodeEquations, name: str, voltages: Voltages) -> Array:
    """Return sum g (u - v)^2 as sum u^2 g + sum v^2 g - 2 u g v."""
    g, (source, target) = equations.assembly.g[name], equations.circuit.resistors[name]
    u, v, array = driving(equations, source, voltages), voltages[target], equations.circuit.operator(name)
    return u**2 @ array.outgoing(g) + v**2 @ array.incoming(g) - 2 * (array.forward(g, u) * v).sum(axis=1)


def _leaving(equations: NodeEquations, name: str, voltages: Voltages) -> Array:
    """Return the current from a source or a layer's amplifiers into the resistors that start there [A]."""
    u = driving(equations, name, voltages)
    leaving = np.zeros((equations.batch, u.shape[1]))
    for each in equations.circuit.out_of(name):
        g, target, array = (
            equations.assembly.g[each],
            equations.circuit.resistors[each][1],
            equations.circuit.operator(each),
        )
        leaving += u * array.outgoing(g) - array.backward(g, voltages[target])
    return leaving


def _from_source(equations: NodeEquations, name: str, voltages: Voltages) -> Array:
    return (equations.assembly.sources[name] * _leaving(equations, name, voltages)).sum(axis=1)


def _from_supply(equations: NodeEquations, layer: str, voltages: Voltages) -> Array:
    """Return (A - k) v I_out: what amplifiers give to their outputs beyond what they take from their nodes."""
    amplifier = gains(equations.circuit.layers[layer], voltages[layer].dtype)
    assert amplifier is not None
    output = shown(equations.circuit.layers[layer], voltages[layer])
    return ((output - amplifier[1] * voltages[layer]) * _leaving(equations, layer, voltages)).sum(axis=1)


def _of_diodes(junctions: Junctions, v: Array) -> tuple[Array, Array]:
    """Return what the diodes of a layer dissipate and what their biases deliver."""
    upper, lower = junctions.through_upper(v), junctions.through_lower(v)
    above, below = v[:, junctions.above] - junctions.high, junctions.low - v[:, junctions.below]
    dissipated = (upper * above).sum(axis=1) + (lower * below).sum(axis=1)
    return dissipated, (lower * junctions.low).sum(axis=1) - (upper * junctions.high).sum(axis=1)
