"""A resistive circuit: nodes in layers, resistors between layers, diodes and amplifiers at nodes, sources around them.

Kirchhoff's current law at node i, what flows in minus what flows out:

    f_i(v) = sum_in g (u_in - v_i) - k_i sum_out g (A_i v_i - v_out) - i_diode(v_i) + p_i (y_i - v_i) + I_i  =  0

u_in is what the layer before shows: the voltage of a source, or A v of a node whose amplifier has forward gain A and
draws the fraction k of its output current from its input node (A = k = 1: a plain node, reciprocal). A pull p towards
y is a resistor to a source, negative where a nudge of -beta asks for it; I is a current source.

Kendall et al. 2020, arXiv:2006.01981; Scellier 2024, arXiv:2402.11674.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from neuroeq.describe.operators import Dense, Operator

from .diodes import Diode, NoDiode

Array = np.ndarray
Conductances = Mapping[str, Array]
"""Conductances by resistor array: (n_from, n_to), or those that the resistors of a convolution share. [S]"""


@dataclass(frozen=True)
class Amplifier:
    """A bidirectional amplifier at each node of a layer, between the node and the layers after it.

    Parameters
    ----------
    gain
        Forward voltage gain A; a number or (n,).
    back_gain
        Fraction k of the output current that is drawn from the node; a number or (n,).
    offset
        Added to the node's voltage before it is amplified; a number or (n,). [V]
    """

    gain: float | Array = 1.0
    back_gain: float | Array = 1.0
    offset: float | Array = 0.0


@dataclass(frozen=True)
class Layer:
    """A layer of nodes with the same diode and amplifier.

    Parameters
    ----------
    size
        Number of nodes in the layer.
    diode
        The diode that conducts when a node leaves the interval from `low` to `high`.
    low, high
        Voltages of the diodes' bias sources, (n,); -inf and inf where there is no diode. [V]
    amplifier
        The amplifier behind each node; None for plain nodes.
    """

    size: int
    diode: Diode = field(default_factory=NoDiode)
    low: Array | float = -np.inf
    high: Array | float = np.inf
    amplifier: Amplifier | None = None


@dataclass(frozen=True)
class Circuit:
    """A circuit: its sources, its layers of nodes, and the resistor arrays between them.

    Parameters
    ----------
    sources
        Number of voltage sources by name: inputs, biases.
    layers
        The free nodes, by name, in order.
    resistors
        (from, to) by name of the resistor array; from is a source or a layer, to a layer. An amplifier of the layer
        `from` stands between its nodes and these resistors.
    convolutions
        The resistor arrays whose conductances are shared by all places of a convolution, as linear maps.
    """

    sources: Mapping[str, int]
    layers: Mapping[str, Layer]
    resistors: Mapping[str, tuple[str, str]]
    convolutions: Mapping[str, Operator] = field(default_factory=dict)

    def operator(self, name: str) -> Operator:
        """Return a resistor array as a linear map from voltages to currents."""
        if name in self.convolutions:
            return self.convolutions[name]
        source, target = self.resistors[name]
        n_from = self.sources[source] if source in self.sources else self.layers[source].size
        return Dense(n_from, self.layers[target].size)

    def into(self, layer: str) -> list[str]:
        """Return the resistor arrays that end at a layer."""
        return [name for name, (_, target) in self.resistors.items() if target == layer]

    def out_of(self, layer: str) -> list[str]:
        """Return the resistor arrays that start at a layer."""
        return [name for name, (source, _) in self.resistors.items() if source == layer]

    @property
    def reciprocal(self) -> bool:
        """Whether no amplifier makes the network active; then its co-content is convex."""
        return all(layer.amplifier is None for layer in self.layers.values())


@dataclass(frozen=True)
class Drive:
    """The voltages and currents that act on a circuit.

    Parameters
    ----------
    sources
        Voltages by source, (batch, n); (n,) where they are the same for every sample. [V]
    currents
        Into nodes, by layer: (batch, n). [A]
    pulls
        Resistors to sources, by layer: their conductance [S], and the voltages of the sources, (batch, n). [V]
    held
        Layers whose nodes are themselves held at voltages, (batch, n): clamped outputs. [V]
    """

    sources: Mapping[str, Array]
    currents: Mapping[str, Array] = field(default_factory=dict)
    pulls: Mapping[str, tuple[float, Array]] = field(default_factory=dict)
    held: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class OperatingPoint:
    """The voltages at which a circuit settles, and how well Kirchhoff's law holds there.

    Parameters
    ----------
    voltages
        Node voltages by layer, (batch, n). [V]
    residual
        Largest net current into a node, as a fraction of the largest current through a resistor.
    complementarity
        Largest current that flows against an ideal diode's direction, as the same fraction; 0 for other diodes.
    converged
        Whether both are below the tolerance that was asked for.
    iterations
        Newton steps, or sweeps over the layers.
    """

    voltages: Mapping[str, Array]
    residual: float
    complementarity: float
    converged: bool
    iterations: int
