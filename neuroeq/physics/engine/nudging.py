"""The nudge of the units in a nudged phase.

state          -beta dC/ds on the outputs, at every step
held current   the same, as it was at the free equilibrium
clamp          outputs held at  o - beta dC/do  of the free equilibrium, after every step
corrected      as state, and  -(Jac - Jac^T)(s - s0)  on every unit
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Nudge, Params
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from .assembly import Assembly
from .correction import Correction

Array = np.ndarray


class Nudging:
    """The pulls of a network's units.

    Parameters
    ----------
    network
        The network as it is simulated.
    assembly
        The Brian2 objects of the network.
    one
        The state that stands for a readout of 1.
    """

    def __init__(self, network: Network, assembly: Assembly, one: float) -> None:
        self._network, self._one = network, one
        home, output = assembly.home, network.output_layer
        self._readout, self._pull = home[output].view("readout", output), home[output].view("nudge", output)
        self._pulls = {layer: p.view("nudge", layer) for layer, p in home.items() if layer != network.input_layer}
        self._clamp = (
            [home[output].view(name, output) for name in ("nudge_held", "nudge_level")]
            if network.nudge == "clamp"
            else []
        )
        self._correction = Correction(network, assembly) if network.nudge == "corrected" else None
        self._nudge: Nudge | None = None

    def check(self, nudge: Nudge | None) -> None:
        """Refuse a nudge that the network was not built for.

        Raises
        ------
        SpecError
            If it has another mode, or no reference.
        """
        if nudge is None:
            return
        allowed = [
            "state",
            "held_current",
            *(["clamp"] if self._clamp else []),
            *(["corrected"] if self._correction else []),
        ]
        if nudge.mode not in allowed:
            raise SpecError(
                f"nudge mode is '{nudge.mode}' on a network that was built for '{self._network.nudge}'; expected "
                f"{' or '.join(map(repr, allowed))}."
            )
        if nudge.mode != "state" and nudge.reference is None:
            raise SpecError(f"nudge mode is '{nudge.mode}' without a reference; pass the free equilibrium.")

    def start(self, nudge: Nudge | None, m: int, params: Params) -> None:
        """Begin a phase with m samples, in which `params` are the weights."""
        self._nudge, self._m = nudge, m
        for array in (*self._pulls.values(), *self._clamp):
            array.fill(0)
        if nudge is None or nudge.mode == "state":
            return
        assert nudge.reference is not None
        pull = -nudge.beta * nudge.cost.gradient(nudge.reference.outputs, nudge.targets)
        if nudge.mode == "held_current":
            self._pull[:m] = pull
        elif nudge.mode == "clamp":
            held, level = self._clamp
            held[:m], level[:m] = 1, self._one * (nudge.reference.outputs + pull)
        elif self._correction is not None:
            self._correction.start(nudge.reference, params)

    def write(self) -> None:
        """Write the nudge of the current step into the units."""
        nudge = self._nudge
        if nudge is None or nudge.mode in ("held_current", "clamp"):
            return
        if nudge.mode == "corrected" and self._correction is not None:
            self._correction.write()
            self._pull[: self._m] -= nudge.beta * nudge.cost.gradient(self._readout[: self._m], nudge.targets)
        else:
            self._pull[: self._m] = -nudge.beta * nudge.cost.gradient(self._readout[: self._m], nudge.targets)
