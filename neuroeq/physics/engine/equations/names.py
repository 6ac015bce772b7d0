"""The variables that the engine provides to models, with their dimensions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from neuroeq.units import KINDS, Dimension

SECOND: Dimension = KINDS["a time"]
HERTZ: Dimension = KINDS["a rate"]
NUMBER: Dimension = KINDS["a number"]
PER_ROOT_SECOND: Dimension = (0, 0, -0.5, 0, 0, 0, 0)
NOISE = re.compile(r"xi(_\w+)?")
"""Brian2's names of white noise, one for each independent one."""

NEURON_NAMES: dict[str, Dimension] = {
    "drive": NUMBER,
    "nudge": NUMBER,
    "bias": NUMBER,
    "spike": NUMBER,
    "unit": NUMBER,
    "outgoing": NUMBER,
    "incoming_clamped": NUMBER,
    "unit_rate": HERTZ,
    "t": SECOND,
    "dt": SECOND,
}
"""The variables that the engine adds to every neuron, with their dimensions."""

TRACE_NAMES: dict[str, Dimension] = {"spike": NUMBER, "t": SECOND, "dt": SECOND}
"""The variables that traces can use in addition."""

OVER_STEP: dict[str, Dimension] = {"": NUMBER, "_before": NUMBER, "_mid": NUMBER, "_rate": HERTZ}
"""What ends the names of the variables of an activity, or a component of it, that plasticity terms can use."""


def factor_names(components: Iterable[str]) -> dict[str, Dimension]:
    """Return the variables of the components of an activity that plasticity terms can use."""
    return {f"{name}{ending}": dimension for name in components for ending, dimension in OVER_STEP.items()}
