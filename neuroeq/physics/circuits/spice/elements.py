"""The elements of a resistive circuit as lines of SPICE.

    resistor          R  of 1/g ohm; none where g = 0
    amplifier         E  of gain A, V of 0 V that senses what it delivers, F that draws k times as much from its node
    Shockley diode    D  with IS and N; 1 pS across it and the cubic formula in reverse are ngspice's own
    piecewise diode   B  I = v / R_off + max(v - V_th, 0) (1 / R_on - 1 / R_off)
    ideal diode       B  I = max(v, 0) / 10 uohm: a node leaves its interval by 10 pV per uA
    pull              R  of 1/p ohm to a V source; negative where the pull is
    current           I  from ground into the node
    capacitor         C  from the node to ground, at 0 V at first

What else acts on a held node changes nothing elsewhere, and is left out.

ngspice User's Manual, version 39, 2022.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

import numpy as np

from ..circuit import Circuit, Conductances, Drive
from ..diodes import NoDiode

Array = np.ndarray
Nodes = Mapping[str, list[str]]
"""Names of nodes, by source and by layer."""


def stems(names: list[str]) -> dict[str, str]:
    """Return each name as SPICE takes it: small letters, digits and single underscores, no two alike."""
    stem_of: dict[str, str] = {}
    for name in names:
        stem = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "x"
        while stem in stem_of.values():
            stem += "_"
        stem_of[name] = stem
    return stem_of


def node_names(circuit: Circuit) -> dict[str, list[str]]:
    """Return the names of the nodes by source and layer, such as ``hidden_12``."""
    sizes = dict(circuit.sources) | {name: layer.size for name, layer in circuit.layers.items()}
    return {name: [f"{stem}_{i}" for i in range(sizes[name])] for name, stem in stems(list(sizes)).items()}


def voltage_sources(circuit: Circuit, nodes: Nodes, drive: Drive, sample: int) -> Iterator[str]:
    """Yield V at every source and held node."""
    for name, values in (*((name, drive.sources[name]) for name in circuit.sources), *drive.held.items()):
        for node, volt in zip(nodes[name], _sample(values, sample), strict=True):
            yield f"V_{node} {node} 0 {volt!r}"


def resistors(circuit: Circuit, nodes: Nodes, g: Conductances) -> Iterator[str]:
    """Yield R of every conductance that is not 0."""
    for name, stem in stems(list(circuit.resistors)).items():
        source, target = circuit.resistors[name]
        amplified = source in circuit.layers and circuit.layers[source].amplifier is not None
        left = [f"{node}_out" for node in nodes[source]] if amplified else nodes[source]
        right = nodes[target]
        values = circuit.operator(name).matrix(np.asarray(g[name], float))
        rows, columns = np.nonzero(values)
        for i, j, siemens in zip(rows.tolist(), columns.tolist(), values[rows, columns].tolist(), strict=True):
            yield f"R_{stem}_{i}_{j} {left[i]} {right[j]} {_ohms(siemens)}"


def _ohms(siemens: float) -> str:
    """Return 1/g with as many digits as give g back to the last bit."""
    shortest = repr(1 / siemens)
    return shortest if float(1 / Decimal(shortest)) == siemens else f"{1 / Decimal(siemens):.22g}"


def amplifiers(circuit: Circuit, nodes: Nodes) -> Iterator[str]:
    """Yield E, V and F of every amplifier that something is connected to."""
    for name, layer in circuit.layers.items():
        if layer.amplifier is None or not circuit.out_of(name):
            continue
        gains = np.broadcast_to(layer.amplifier.gain, layer.size).tolist()
        fractions = np.broadcast_to(layer.amplifier.back_gain, layer.size).tolist()
        offsets = np.broadcast_to(layer.amplifier.offset, layer.size).tolist()
        for node, gain, fraction, offset in zip(nodes[name], gains, fractions, offsets, strict=True):
            against = "0"
            if offset:
                against = f"{node}_offset"
                yield f"V_{node}_offset {against} 0 {-offset!r}"
            yield f"E_{node} {node}_amp 0 {node} {against} {gain!r}"
            yield f"V_{node}_amp {node}_amp {node}_out 0"
            yield f"F_{node} {node} 0 V_{node}_amp {fraction!r}"


def diodes(circuit: Circuit, nodes: Nodes, drive: Drive) -> Iterator[str]:
    """Yield the diodes of every free node, their bias sources and their models."""
    for name, stem in stems(list(circuit.layers)).items():
        layer = circuit.layers[name]
        if isinstance(layer.diode, NoDiode) or name in drive.held:
            continue
        yield from layer.diode.model_lines(f"diode_{stem}")
        for side, bounds in (("low", layer.low), ("high", layer.high)):
            levels, which = np.unique(np.broadcast_to(bounds, layer.size), return_inverse=True)
            finite = np.isfinite(levels)
            for level in np.flatnonzero(finite).tolist():
                yield f"V_{stem}_{side}{level} {stem}_{side}{level} 0 {levels[level].item()!r}"
            for i in np.flatnonzero(finite[which]).tolist():
                node, bias = nodes[name][i], f"{stem}_{side}{which[i]}"
                anode, cathode = (node, bias) if side == "high" else (bias, node)
                yield from layer.diode.element(f"{node}_{side}", anode, cathode, f"diode_{stem}")


def pulls(nodes: Nodes, drive: Drive, sample: int) -> Iterator[str]:
    """Yield R and V of every pull that is not 0."""
    for name, (conductance, values) in drive.pulls.items():
        if name in drive.held or not conductance:
            continue
        for node, volt in zip(nodes[name], _sample(values, sample), strict=True):
            yield f"V_{node}_pull {node}_pull 0 {volt!r}"
            yield f"R_{node}_pull {node} {node}_pull {float(1 / conductance)!r}"


def currents(nodes: Nodes, drive: Drive, sample: int) -> Iterator[str]:
    """Yield I of every node that a current is driven into."""
    for name, values in drive.currents.items():
        if name not in drive.held:
            for node, ampere in zip(nodes[name], _sample(values, sample), strict=True):
                yield f"I_{node} 0 {node} {ampere!r}"


def capacitors(circuit: Circuit, nodes: Nodes, drive: Drive, capacitance: float) -> Iterator[str]:
    """Yield C of every free node."""
    for name in circuit.layers:
        if name not in drive.held:
            for node in nodes[name]:
                yield f"C_{node} {node} 0 {float(capacitance)!r} ic=0"


def _sample(values: Array, sample: int) -> list[float]:
    """Return what one sample has of (batch, n), or what all have of (n,)."""
    rows = np.atleast_2d(np.asarray(values, float))
    return rows[sample if len(rows) > 1 else 0].tolist()
