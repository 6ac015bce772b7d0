"""The nudge of a netlist, as neuroeq writes it: at each output, a resistor to a source at the target.

    V_n_pull n_pull 0 v     the target of output n
    R_n_pull n n_pull R     1/R is the strength of the nudge, below 0 in the phase of -beta

A nudge that is held as a current adds to the bias current of its output, and comes back as a part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from neuroeq.errors import SpecError

from .netlist import Netlist


@dataclass(frozen=True)
class Pull:
    """A nudge towards targets.

    Parameters
    ----------
    siemens
        The conductance from each output to its target; below 0 in the phase of -beta. [S]
    volts
        The targets by node. [V]
    """

    siemens: float
    volts: Mapping[str, float]


def without_nudge(netlist: Netlist) -> tuple[Netlist, Pull | None]:
    """Return a netlist without its nudge, and the nudge; None if it has none.

    Raises
    ------
    SpecError
        If outputs are nudged with different strengths.
    """
    sources = {source.nodes[0]: source for source in netlist.of("v") if source.nodes[1] == "0"}
    ends = Counter(node for resistor in netlist.of("r") for node in resistor.nodes)
    pulls = {}
    for resistor in netlist.of("r"):
        node, end = resistor.nodes
        if end == f"{node}_pull" and end in sources and ends[end] == 1:
            pulls[node] = (resistor, sources[end])
    if not pulls:
        return netlist, None
    strengths: set[Decimal] = {resistor.value for resistor, _ in pulls.values()}
    if len(strengths) > 1:
        resistor, _ = next(iter(pulls.values()))
        raise SpecError(
            f"{netlist.where}: line {resistor.line}: the outputs are nudged with {len(strengths)} strengths; expected "
            "one for all."
        )
    used = {each.name for pair in pulls.values() for each in pair}
    kept = [each for each in netlist.elements if each.name not in used]
    volts = {node: float(source.value) for node, (_, source) in pulls.items()}
    return replace(netlist, elements=kept), Pull(float(1 / strengths.pop()), volts)
