"""The non-reciprocal correction of a nudged phase, under which directed weights learn the gradient.

    ds/dt = mu(s) - (Jac - Jac^T)(s - s0) - beta dC/ds,      Jac_ji = A_j W_ij rho'_i   between units i and j

with A the slope of mu in the drive and rho' that of the activity, both at the free equilibrium s0. Then s - s0 tends to
-beta Jac^-T dC/ds, and presynaptic activity times it is the gradient.

Scurria et al. 2026, arXiv:2602.03670.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Equilibrium, Params
from neuroeq.describe.operators import operators, unit_biases
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from .assembly import Assembly
from .equations.field import Field

Array = np.ndarray


class Correction:
    """The correction of a network.

    Parameters
    ----------
    network
        The network as it is simulated.
    assembly
        The Brian2 objects of the network.

    Raises
    ------
    NeuroeqError
        If a layer is no rate model with one state, or a projection is no matrix of weights.
    """

    def __init__(self, network: Network, assembly: Assembly) -> None:
        if assembly.natives or any(c.diffusive or c.component != "activity" for c in assembly.couplings):
            raise SpecError(
                f"{network.where}: phases.nudge is 'corrected' with native or diffusive synapses, or units that send "
                "vectors; expected transmission 'w*activity_pre'."
            )
        self._couplings, self._maps = assembly.couplings, operators(network)
        self._moving = [coupling for coupling in assembly.couplings if coupling.source != network.input_layer]
        home = {layer: p for layer, p in assembly.home.items() if layer != network.input_layer}
        self._fields = {layer: Field(population.model) for layer, population in home.items()}
        self._states = {layer: p.view(p.model.state, layer) for layer, p in home.items()}
        self._pulls = {layer: p.view("nudge", layer) for layer, p in home.items()}

    def start(self, free: Equilibrium, params: Params) -> None:
        """Begin a phase that follows a free equilibrium, with the weights held in it."""
        self._m, self._rest = len(free.outputs), free.state
        self._params = params
        self._gate, self._slope = {}, {}
        for layer, field in self._fields.items():
            arriving = [c.forward(params, free.activity[c.source]) for c in self._couplings if c.target == layer]
            drive = sum(arriving[1:], start=arriving[0])
            values = {
                field.model.state: free.state[layer],
                "drive": drive,
                "bias": unit_biases(self._maps, params, layer),
            }
            self._gate[layer], self._slope[layer] = field.drive_slope(values), field.activity_slope(values)

    def write(self) -> None:
        """Write -(Jac - Jac^T)(s - s0) into the nudge of every unit."""
        moved = {layer: state[: self._m] - self._rest[layer] for layer, state in self._states.items()}
        sent = {layer: self._slope[layer] * by for layer, by in moved.items()}
        gated = {layer: self._gate[layer] * by for layer, by in moved.items()}
        for pull in self._pulls.values():
            pull[: self._m] = 0
        for coupling in self._moving:
            source, target = coupling.source, coupling.target
            self._pulls[target][: self._m] -= self._gate[target] * coupling.forward(self._params, sent[source])
            self._pulls[source][: self._m] += self._slope[source] * coupling.backward(self._params, gated[target])
