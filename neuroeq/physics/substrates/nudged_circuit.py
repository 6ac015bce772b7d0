"""How the outputs of a resistor network are nudged, and the largest stable nudge.

state           a conductance beta from each output to its target
held_current    the current -beta dC/dv of the free equilibrium
clamp           outputs held at a fraction beta of the way from the free equilibrium to the target
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from neuroeq.contract import FOLLOWING, Nudge
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from ..circuits.assembly import Assembly
from ..circuits.circuit import Drive
from ..circuits.equations import drive_circuit
from ..circuits.layout import at_outputs
from ..circuits.stability import stability_limit
from .periphery import Periphery

Array = np.ndarray
MODES = ("state", "held_current", "clamp")


def nudged(network: Network, periphery: Periphery, drive: Drive, nudge: Nudge) -> Drive:
    """Return the drive of a circuit under a nudge: its sources, and the currents, pulls or held nodes of the nudge.

    Parameters
    ----------
    network
        The network, resolved for a resistor network.
    periphery
        The converters of the circuit, which drive the currents of ``held_current``.
    drive
        The drive of the circuit in the free phase.
    nudge
        The nudge, whose reference is the free equilibrium for all modes but ``state``.

    Raises
    ------
    SpecError
        If there is no reference, or no element of a circuit pulls in this mode.
    """
    output = network.output_layer
    if nudge.mode not in MODES:
        raise SpecError(
            f"nudge mode is '{nudge.mode}' on a resistor network; expected {', '.join(map(repr, MODES[:-1]))} or "
            f"'{MODES[-1]}'."
        )
    if nudge.mode == "state":
        return replace(drive, pulls={output: (nudge.beta, nudge.targets)})
    if nudge.reference is None:
        raise SpecError(f"nudge mode is '{nudge.mode}' without a reference; pass the free equilibrium.")
    pull = -nudge.beta * nudge.cost.gradient(nudge.reference.outputs, nudge.targets)
    if nudge.mode == "held_current":
        ampere = network.v_unit * network.g_unit
        into = periphery.pushed(at_outputs(network, pull) * ampere) / ampere
        already = drive.currents.get(output)
        return replace(drive, currents={**drive.currents, output: into if already is None else already + into})
    share = 1.0 if network.circuit.outputs == "single" else 0.5
    held = nudge.reference.state[output] + share * at_outputs(network, pull)
    return replace(drive, held={output: held})


def largest_nudge(network: Network, assembly: Assembly, drive: Drive, voltages: Mapping[str, Array]) -> float:
    """Return the largest stable |beta| of a negative nudge, the least over the batch; infinite for other modes.

    Parameters
    ----------
    network
        The network, resolved for a resistor network.
    assembly, drive
        The conductances and sources of the circuit in the free phase.
    voltages
        The voltages of the operating point, by layer: (batch, n), in the network's unit.
    """
    if network.nudge not in FOLLOWING:
        return float("inf")
    return float(stability_limit(drive_circuit(assembly, drive), voltages, network.output_layer).min())
