"""A crossbar with op-amp integrators as a SPICE netlist, one line per element.

device            G  current G V_pre into the virtual ground of its unit, out of it where it is the negative of a pair
integrator        R  R_f and C  C_f from the unit's voltage to ground: what the virtual ground makes of them
supply            B  diodes that keep the voltage between the rails
nudge             R  R_f/beta to a V source at the target; negative where beta is

Such a circuit may have several equilibria, so the netlist settles in time, from 0 V or from the free phase's voltages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..diodes import IdealDiode
from ..diodes.shockley import CARD_TEMPERATURE
from .elements import stems
from .netlist import SETTLING, ZERO_CELSIUS, document

Array = np.ndarray
SETTLED = 100
"""Duration over the integrators' time constant."""


@dataclass(frozen=True)
class OpAmps:
    """Integrators in layers, and the crossbars between them.

    Parameters
    ----------
    r_f, c_f
        Feedback resistance and capacitance of each integrator. [ohm, F]
    sizes
        Units by layer, the driven one included.
    rails
        Lowest and highest output voltage of the amplifiers, by layer; layers that are left out have no limits. [V]
    pairs
        (from, to, G+, G-) by crossbar, one for each direction it is read in, (n_from, n_to) each. [S]
    """

    r_f: float
    c_f: float
    sizes: Mapping[str, int]
    rails: Mapping[str, tuple[float, float]]
    pairs: Mapping[str, tuple[str, str, Array, Array]] = field(default_factory=dict)


def op_amp_netlist(
    circuit: OpAmps,
    sources: Mapping[str, Array],
    pulls: Mapping[str, tuple[float, Array]] | None = None,
    start: Mapping[str, Array] | None = None,
    currents: Mapping[str, Array] | None = None,
    *,
    title: str = "crossbar",
    header: Sequence[str] = (),
) -> str:
    """Return the netlist of how the circuit settles.

    Parameters
    ----------
    circuit
        The integrators and crossbars to be written as a netlist.
    sources
        Voltages of the driven layers, (n,). [V]
    pulls
        Nudges by layer: beta, and the targets (n,). [V]
    start
        Voltages that the circuit settles from, by layer: (n,); 0 V if left out. [V]
    currents
        Held currents into the units, by layer: (n,). [A]
    title, header
        First line, and comments below it.
    """
    names = stems(list(circuit.sizes))
    nodes = {name: [f"{names[name]}_{i}" for i in range(size)] for name, size in circuit.sizes.items()}
    body = [*_driven(nodes, sources), *_integrators(circuit, nodes, sources, start or {}), *_devices(circuit, nodes)]
    body += _rails(circuit, names, nodes)
    for layer, (beta, targets) in (pulls or {}).items():
        body += _nudge(nodes[layer], circuit.r_f / beta, targets)
    for layer, amperes in (currents or {}).items():
        into = zip(nodes[layer], np.asarray(amperes, float).tolist(), strict=True)
        body += [f"I_{node} 0 {node} {ampere!r}" for node, ampere in into]
    celsius = f"{CARD_TEMPERATURE - ZERO_CELSIUS:.10g}"
    tau = circuit.r_f * circuit.c_f
    analysis = f".tran {tau / 10!r} {SETTLED * tau!r} uic"
    return document(title, header, body, SETTLING | {"temp": celsius, "tnom": celsius, "method": "gear"}, analysis)


def _driven(nodes: Mapping[str, list[str]], sources: Mapping[str, Array]) -> Iterator[str]:
    for layer, values in sources.items():
        for node, volt in zip(nodes[layer], np.asarray(values, float).tolist(), strict=True):
            yield f"V_{node} {node} 0 {volt!r}"


def _integrators(
    circuit: OpAmps, nodes: Mapping[str, list[str]], sources: Mapping[str, Array], start: Mapping[str, Array]
) -> Iterator[str]:
    for layer, size in circuit.sizes.items():
        begin = np.asarray(start.get(layer, np.zeros(size)), float).tolist()
        for node, volt in zip(nodes[layer], begin, strict=True) if layer not in sources else ():
            yield f"R_{node} {node} 0 {circuit.r_f!r}"
            yield f"C_{node} {node} 0 {circuit.c_f!r} ic={volt!r}"


def _devices(circuit: OpAmps, nodes: Mapping[str, list[str]]) -> Iterator[str]:
    for name, stem in stems(list(circuit.pairs)).items():
        source, target, plus, minus = circuit.pairs[name]
        for sign, ends, g in (("p", "0 {0}", plus), ("n", "{0} 0", minus)):
            for i, j in zip(*(indices.tolist() for indices in np.nonzero(g)), strict=True):
                pre, post = nodes[source][i], ends.format(nodes[target][j])
                yield f"G_{stem}_{sign}_{i}_{j} {post} {pre} 0 {float(g[i, j])!r}"


def _rails(circuit: OpAmps, names: Mapping[str, str], nodes: Mapping[str, list[str]]) -> Iterator[str]:
    for layer, (low, high) in circuit.rails.items():
        for side, volt in (("low", low), ("high", high)):
            if not np.isfinite(volt):
                continue
            rail = f"{names[layer]}_{side}"
            yield f"V_{rail} {rail} 0 {volt!r}"
            for node in nodes[layer]:
                anode, cathode = (rail, node) if side == "low" else (node, rail)
                yield from IdealDiode().element(f"{node}_{side}", anode, cathode, "")


def _nudge(nodes: list[str], resistance: float, targets: Array) -> Iterator[str]:
    for node, volt in zip(nodes, np.asarray(targets, float).tolist(), strict=True):
        yield f"V_{node}_target {node}_target 0 {volt!r}"
        yield f"R_{node}_target {node} {node}_target {resistance!r}"
