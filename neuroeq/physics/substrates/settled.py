"""Where a circuit stands, and under what."""

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
        By layer: (batch, n) [v_unit].
    assembly
        The conductances and sources of the circuit.
    drive
        What else acts on it: currents into nodes, pulls, held nodes.
    """

    voltages: Mapping[str, np.ndarray]
    assembly: Assembly
    drive: Drive
