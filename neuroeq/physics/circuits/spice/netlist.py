"""A resistive circuit as a SPICE netlist: for a second opinion, and for whoever goes on in a circuit simulator.

`netlist` asks for the operating point, or for how the circuit settles from 0 V with a capacitor C at every node:

    C dv_i/dt = f_i(v),   f the net current into a node, as in `circuit`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from neuroeq.errors import SpecError

from ..assembly import assemble
from ..circuit import Circuit, Conductances, Drive
from ..equations import drive_circuit
from . import elements as elements

Array = np.ndarray

ZERO_CELSIUS = 273.15
"""0 degrees Celsius. [K]"""
NOMINAL_TEMPERATURE = 300.15
"""Temperature of a netlist in which no diode has one. [K]"""
OPERATING_POINT = {"reltol": "1e-9", "abstol": "1e-18", "vntol": "1e-12", "gmin": "1e-12"}
"""Options so tight that the last Newton step leaves rounding errors only."""
SETTLING = {"reltol": "1e-6", "abstol": "1e-15", "vntol": "1e-9", "gmin": "1e-12"}
"""Options that leave errors of microvolts over a whole transient."""


def netlist(
    circuit: Circuit,
    g: Conductances,
    drive: Drive,
    *,
    sample: int = 0,
    title: str = "resistive circuit",
    header: Sequence[str] = (),
    capacitance: float | None = None,
    transient: tuple[float, float] | None = None,
    options: Mapping[str, str] | None = None,
) -> str:
    """Return the netlist of a circuit, one line per element.

    Parameters
    ----------
    circuit
        The layers, sources and resistor arrays of the circuit.
    g
        Conductances by resistor array, (n_from, n_to); there is no resistor where one is 0. [S]
    drive
        The voltages, currents and pulls that act on the circuit.
    sample
        Index of the sample of the drive that the netlist is for.
    title
        First line of the netlist.
    header
        Comments that follow the title.
    capacitance
        Capacitance from each free node to ground. [F]
    transient
        Longest step and duration of the settling from 0 V; the operating point if left out. [s]
    options
        Options of the simulator, which take precedence over `OPERATING_POINT` or `SETTLING`.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If conductances or drive do not fit the circuit.
    SpecError
        If there is no such sample, no element for a diode, no one temperature, or no capacitance in a transient.
    """
    if transient is not None and not capacitance:
        raise SpecError(f"netlist: a transient with a capacitance of {capacitance}; expected farads, such as 1e-12.")
    batch = drive_circuit(assemble(circuit, g, drive.sources), drive).batch
    if not 0 <= sample < batch:
        raise SpecError(f"netlist: sample is {sample}; expected 0 to {batch - 1}, what the drive has.")
    nodes = elements.node_names(circuit)
    celsius = f"{temperature(circuit) - ZERO_CELSIUS:.10g}"
    settings = (SETTLING if transient else OPERATING_POINT) | dict(options or {}) | {"temp": celsius, "tnom": celsius}
    body = chain(
        elements.voltage_sources(circuit, nodes, drive, sample),
        elements.resistors(circuit, nodes, g),
        elements.amplifiers(circuit, nodes),
        elements.diodes(circuit, nodes, drive),
        elements.pulls(nodes, drive, sample),
        elements.currents(nodes, drive, sample),
        elements.capacitors(circuit, nodes, drive, capacitance) if capacitance else (),
    )
    analysis = f".tran {float(transient[0])!r} {float(transient[1])!r} uic" if transient else ".op"
    return document(title, header, body, settings, analysis)


def document(title: str, header: Iterable[str], body: Iterable[str], settings: Mapping[str, str], analysis: str) -> str:
    """Return a netlist with a title, a header that says how to run it, options, elements and one analysis."""
    how = "ngspice -b FILE" if analysis == ".op" else "ngspice -b -r FILE.raw FILE"
    comments = [*chain.from_iterable(text.split("\n") for text in header), f"Run with: {how}"]
    options = " ".join(f"{name}={value}" for name, value in settings.items())
    return "\n".join(
        [
            *(f"* {_on_one_line(text)}" for text in (title, *comments)),
            f".options {options}",
            *body,
            analysis,
            ".end",
            "",
        ]
    )


def _on_one_line(text: str) -> str:
    """Return a text without what could end the line of a comment, in any reader of netlists."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def temperature(circuit: Circuit) -> float:
    """Return the one temperature that a circuit's diodes have [K]."""
    given = {float(layer.diode.temperature) for layer in circuit.layers.values() if hasattr(layer.diode, "temperature")}
    if len(given) > 1:
        kelvins = " and ".join(f"{kelvin:g} K" for kelvin in sorted(given))
        raise SpecError(f"netlist: its diodes are at {kelvins}; a netlist has one temperature: give all the same.")
    return given.pop() if given else NOMINAL_TEMPERATURE


def voltages(circuit: Circuit, vectors: Mapping[str, Array]) -> dict[str, Array]:
    """Return the voltages of the nodes of each layer, from the results of a simulator.

    Parameters
    ----------
    circuit
        The circuit that the netlist was written for.
    vectors
        The vectors that `ngspice.simulate` returned.

    Returns
    -------
    dict
        Node voltages by layer: (1, n) at an operating point, (points, n) in a transient at ``vectors["time"]``. [V]
    """
    nodes = elements.node_names(circuit)
    return {name: np.stack([vectors[f"v({node})"] for node in nodes[name]], axis=1) for name in circuit.layers}
