"""The gradient of the cost at the free equilibrium, by implicit differentiation (the adjoint method).

    mu(theta, s0) = 0,   Jac^T lam = -dC/ds = -dC/do do/ds,   dC/dtheta = lam . dmu/dtheta

For neurons, mu = tau ds/dt is differentiated in symbols, over the units that are not clipped:  dmu_j/dW_ij = a_i D_j
with D = dmu/ddrive, plus a_j D_i if W_ij serves both directions. Any other substrate differentiates its own equations,
as a resistor network does with Kirchhoff's current law.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Params, Stop, Substrate, VectorField
from neuroeq.describe.network import free_layers
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.learning.costs import cost_of
from neuroeq.physics.engine import reads_strength
from neuroeq.physics.substrates import build
from neuroeq.physics.substrates.free_units import FreeUnits

from .products import products

Array = np.ndarray
SETTLED = Stop(50_000, 1e-12)


def implicit_gradient(substrate: Substrate, inputs: Array, targets: Array) -> Params:
    """Return dC/dtheta at the free equilibrium, averaged over the batch.

    Parameters
    ----------
    substrate
        The substrate: rate equations, or a circuit.
    inputs, targets
        The inputs and targets of the batch: (batch, n_input) and (batch, n_output).

    Returns
    -------
    Params
        dC/dtheta of every weight, conductance and bias.

    Raises
    ------
    SpecError
        If the substrate has no fixed point to differentiate: spiking units.
    """
    field = substrate.as_field()
    if field is None:
        probe = in_double_precision(substrate, len(inputs))
        return probe.adjoint(inputs, targets, cost_of(substrate.network.phases), SETTLED)
    _check_leaks(field.network)
    return _of_neurons(field, inputs, targets)


def _check_leaks(network: Network) -> None:
    """Refuse units that depend on their weights in another way than through the activity that these transmit."""
    for layer in network.layers:
        model = network.neuron(layer)
        if model is not None and reads_strength(model):
            raise SpecError(
                f"{model.where}: reads the sums of its weights (outgoing, incoming_clamped), and the adjoint takes "
                "weights only as what transmits activity; there is no gradient to compare with."
            )


def _of_neurons(substrate: VectorField, inputs: Array, targets: Array) -> Params:
    network, probe = substrate.network, in_double_precision(substrate, len(inputs)).as_field()
    assert probe is not None, "it is of the same substrate"
    free = probe.relax(inputs, stop=SETTLED)
    layers, m = free_layers(network), len(inputs)
    units = FreeUnits(network, probe.fields, probe.transmitted, free, probe.state_of_one, m)
    states = units.settled()
    pull = np.zeros_like(states)
    slopes = units.readout_slopes(states)[:, units.output]
    pull[:, units.output] = cost_of(network.phases).gradient(free.outputs, targets) * slopes
    delta = units.adjoint(states, pull) * units.drive_slopes(states)
    splits = np.cumsum([network.layers[layer].size for layer in layers])[:-1]
    return products(substrate, free, dict(zip(layers, np.split(delta, splits, axis=-1), strict=True)))


def in_double_precision(substrate: Substrate, batch: int) -> Substrate:
    """Return a substrate of the same physics and parameters in float64, that does not learn."""
    field = substrate.as_field()
    described = substrate.network if field is None else field.described
    physics = described.physics.model_copy(update={"precision": "float64"})
    network = described.model_copy(update={"substrate": {described.substrate_name: physics}})
    params = {name: np.asarray(value, float) for name, value in substrate.params.items()}
    return build(network, params, batch, plastic=False, target="numpy")
