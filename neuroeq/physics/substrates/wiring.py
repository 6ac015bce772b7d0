"""The wires of the arrays of a network, as its hardware describes them."""

from __future__ import annotations

from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from ..circuits.wires import Wires


def wires_of(network: Network) -> Wires | None:
    """Return the wires of a crossbar's arrays; None if they are ideal.

    Raises
    ------
    SpecError
        If an array that is read in both directions has other resistances at one end than at the other.
    """
    array = network.technology.array
    resistances = (array.r_wire_row, array.r_wire_col, array.r_source, array.r_sense)
    if not any(resistances):
        return None
    if array.r_source != array.r_sense and any(network.symmetric(name) for name in network.projections):
        raise SpecError(
            f"{network.technology.where}: array.r_source is {array.r_source:g} ohm and r_sense {array.r_sense:g} ohm; "
            "an array that is read in both directions needs them equal, or its weights are not symmetric."
        )
    return Wires(*resistances, array.max_rows, array.max_cols)
