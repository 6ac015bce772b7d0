"""An operating point of a circuit, with the conductances, the sources and the drive that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..circuits.assembly import Assembly
from ..circuits.circuit import Drive


@dataclass(frozen=True)
class Settled:
    """An operating point.

    Parameters
    ----------
    voltages
        The node voltages, by layer: (batch, n) [v_unit].
    assembly
        The conductances and sources of the circuit.
    drive
        All that acts on the circuit: sources, currents into nodes, pulls and held nodes.
    """

    voltages: Mapping[str, np.ndarray]
    assembly: Assembly
    drive: Drive
