"""The two ways of simulating a resistor network: at its operating points, or in time."""

from __future__ import annotations

from typing import Any

from neuroeq.contract import Params, Substrate
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from .resistive import Resistive
from .transient import ResistiveInTime


def resistor_network(
    network: Network, params: Params, batch: int, *, engine: str = "operating_point", **options: Any
) -> Substrate:
    """Return the substrate of a network that was resolved for a resistor network.

    Parameters
    ----------
    network, params, batch, options
        The same as for `build`.
    engine
        ``"operating_point"``, which solves Kirchhoff's laws, or ``"stepper"`` or ``"reference"``, which run the
        circuit's capacitors in time.

    Raises
    ------
    SpecError
        If the engine is not one of these, or the network asks for something that the circuit cannot do.
    """
    match engine:
        case "operating_point":
            return Resistive(network, params, batch, **options)
        case "stepper" | "reference":
            return ResistiveInTime(network, params, batch, engine=engine, **options)
        case _:
            raise SpecError(
                f"{network.where}: engine is '{engine}' on substrate '{network.substrate_name}'; expected "
                "'operating_point', 'stepper' or 'reference'."
            )
