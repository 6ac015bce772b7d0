"""The contribution of conductances and voltage sources to the node equations, summed once for all phases of a batch.

b_l  = sum_sources x G                               D_l = sum_in g + A k sum_out g
M_ml = A_m G for an array from layer m into l,  k_l G^T for an array out of l into m
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neuroeq.errors import DataError

from .circuit import Array, Circuit, Conductances, Layer
from .coupling import Coupling


@dataclass(frozen=True)
class Assembly:
    """A circuit with its conductances and voltage sources.

    Parameters
    ----------
    circuit
        The layers, sources and resistor arrays of the circuit.
    g
        Conductances by resistor array. [S]
    sources
        Voltages by source, (batch, n) or (1, n). [V]
    sums
        The conductances at each node, as its own current sees them, by layer: (n,). [S]
    injected
        Currents that the sources push through the resistors into nodes at 0 V, by layer: (batch, n) or (1, n). [A]
    neighbours
        For each layer l, its neighbours m with their matrices M_ml, (n_m, n_l), written out or not. [S]
    """

    circuit: Circuit
    g: Conductances
    sources: Mapping[str, Array]
    sums: Mapping[str, Array]
    injected: Mapping[str, Array]
    neighbours: Mapping[str, list[tuple[str, Coupling]]]


def assemble(circuit: Circuit, g: Conductances, sources: Mapping[str, Array]) -> Assembly:
    """Sum up what the conductances and the voltage sources contribute to the node equations.

    Parameters
    ----------
    circuit
        The layers, sources and resistor arrays of the circuit.
    g
        Conductances by resistor array, (n_from, n_to), or in the shape of its kernels. [S]
    sources
        Voltages by source, (batch, n) or (n,). [V]

    Raises
    ------
    DataError
        If a conductance or a voltage is missing, of the wrong shape, not finite, or a conductance is negative.
    """
    known = {name: np.atleast_2d(_expected("source", name, sources)) for name in circuit.sources}
    for name, size in circuit.sources.items():
        _check_columns(f"source '{name}'", known[name], size)
    for name in circuit.resistors:
        _check_conductances(circuit, name, _expected("resistor array", name, g))
    return Assembly(
        circuit,
        g,
        known,
        {layer: _sums(circuit, g, layer) for layer in circuit.layers},
        {layer: _injected(circuit, g, known, layer) for layer in circuit.layers},
        {layer: _neighbours(circuit, g, layer) for layer in circuit.layers},
    )


def gains(layer: Layer, dtype: np.dtype) -> tuple[Array, Array] | None:
    """Return A and k of a layer's amplifiers, (n,) each; None for plain nodes."""
    if layer.amplifier is None:
        return None
    both = (layer.amplifier.gain, layer.amplifier.back_gain)
    forward, back = (np.broadcast_to(np.asarray(gain, dtype), layer.size) for gain in both)
    return forward, back


def shown(layer: Layer, voltages: Array) -> Array:
    """Return the voltages that a layer presents to the layers after it: v, or A (v + offset) if amplified [V]."""
    amplifier = gains(layer, voltages.dtype)
    if amplifier is None or layer.amplifier is None:
        return voltages
    return amplifier[0] * voltages + amplifier[0] * np.asarray(layer.amplifier.offset, voltages.dtype)


def _offsets(circuit: Circuit, g: Conductances, layer: str) -> Array | float:
    """Return the currents into nodes that the offsets of amplifiers cause, before the layer and in the layer itself."""
    total: Array | float = 0.0
    for name in circuit.into(layer):
        before = circuit.resistors[name][0]
        if before in circuit.layers and _has_offset(circuit.layers[before]):
            offset = shown(circuit.layers[before], np.zeros((1, circuit.layers[before].size), g[name].dtype))
            total = total + circuit.operator(name).forward(g[name], offset)[0]
    own = circuit.layers[layer]
    if _has_offset(own):
        amplifier = gains(own, _dtype(g))
        assert amplifier is not None
        leaving = sum(circuit.operator(name).outgoing(g[name]) for name in circuit.out_of(layer))
        total = total - amplifier[1] * shown(own, np.zeros(own.size, _dtype(g))) * leaving
    return total


def _has_offset(layer: Layer) -> bool:
    return layer.amplifier is not None and bool(np.any(layer.amplifier.offset))


def _sums(circuit: Circuit, g: Conductances, layer: str) -> Array:
    arriving = [circuit.operator(name).incoming(g[name]) for name in circuit.into(layer)]
    total = sum(arriving, np.zeros(circuit.layers[layer].size, _dtype(g)))
    for name in circuit.out_of(layer):
        amplifier = gains(circuit.layers[layer], g[name].dtype)
        leaving = circuit.operator(name).outgoing(g[name])
        total = total + (leaving if amplifier is None else amplifier[0] * amplifier[1] * leaving)
    return total


def _injected(circuit: Circuit, g: Conductances, sources: Mapping[str, Array], layer: str) -> Array:
    arrays = [(circuit.resistors[name][0], name) for name in circuit.into(layer)]
    fed = [circuit.operator(name).forward(g[name], sources[source]) for source, name in arrays if source in sources]
    current = sum(fed[1:], fed[0]) if fed else np.zeros((1, circuit.layers[layer].size), _dtype(g))
    current = current + _offsets(circuit, g, layer)
    if not np.isfinite(current).all():
        raise DataError(f"the sources of layer '{layer}' hold a voltage that is not finite; mend the inputs.")
    return current


def _neighbours(circuit: Circuit, g: Conductances, layer: str) -> list[tuple[str, Coupling]]:
    neighbours = []
    for name in circuit.into(layer):
        source = circuit.resistors[name][0]
        if source in circuit.layers:
            amplifier = gains(circuit.layers[source], g[name].dtype)
            acting = g[name] if amplifier is None else amplifier[0][:, None] * g[name]
            neighbours.append((source, Coupling(circuit.operator(name), acting)))
    for name in circuit.out_of(layer):
        amplifier = gains(circuit.layers[layer], g[name].dtype)
        acting = g[name] if amplifier is None else amplifier[1][:, None] * g[name]
        neighbours.append((circuit.resistors[name][1], Coupling(circuit.operator(name), acting, transposed=True)))
    return neighbours


def _dtype(g: Conductances) -> np.dtype:
    return np.result_type(*g.values()) if g else np.dtype(float)


def _expected(kind: str, name: str, given: Mapping[str, Array]) -> Array:
    if name not in given:
        raise DataError(f"{kind} '{name}' of the circuit is not given; pass it along with {sorted(given)}.")
    return np.asarray(given[name])


def _check_columns(what: str, values: Array, size: int) -> None:
    if values.shape[-1] != size or size == 0:
        raise DataError(f"{what} has shape {values.shape}; expected ({size},) or (batch, {size}) with at least one.")


def _check_conductances(circuit: Circuit, name: str, g: Array) -> None:
    expected = circuit.operator(name).shape
    if g.shape != expected or not g.size:
        raise DataError(f"conductances '{name}' have shape {g.shape}; expected {expected}, none empty.")
    smallest = g.min()
    if not smallest >= 0 or not np.isfinite(g.max()):
        raise DataError(
            f"conductances '{name}' reach from {smallest:.3g} to {g.max():.3g} S; expected finite numbers >= 0: "
            "clip them."
        )
