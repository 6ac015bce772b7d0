"""The gradient of the cost at the free equilibrium, by implicit differentiation (the adjoint method).

    mu(theta, s0) = 0,   Jac^T lam = -dC/ds,   dC/dtheta = lam . dmu/dtheta

For neurons, mu = tau ds/dt and Jac are measured on one step of their equations:  dmu_j/dW_ij = a_i D_j  with
D = dmu/dbias, plus a_j D_i if W_ij serves both directions. Any other substrate differentiates its own equations, as a
resistor network does with Kirchhoff's current law.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Equilibrium, Params, Stop, Substrate, VectorField
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.learning.costs import cost_of
from neuroeq.physics.engine import reads_strength
from neuroeq.physics.substrates import build

from .products import products

Array = np.ndarray
SETTLED = Stop(50_000, 1e-12)
SHIFT = 1e-6
"""The shift of the biases by which derivatives in them are measured."""


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
        return substrate.adjoint(inputs, targets, cost_of(substrate.network.phases), SETTLED)
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
    network, probe = substrate.network, _probe(substrate, max(len(inputs), 64))
    free = probe.relax(inputs, stop=SETTLED)
    slopes = _bias_slopes(probe, free, inputs)
    layers = [layer for layer in network.layers if layer != network.input_layer]
    splits = np.cumsum([network.layers[layer].size for layer in layers])[:-1]
    cost = cost_of(network.phases).gradient(free.outputs, targets) / _volts(probe)
    sensitivity: dict[str, list[Array]] = {layer: [] for layer in layers}
    for sample in range(len(inputs)):
        pull = {layer: np.zeros(network.layers[layer].size) for layer in layers}
        pull[network.output_layer] = cost[sample]
        lam = np.linalg.solve(probe.jacobian(free, sample).T, -np.concatenate([pull[layer] for layer in layers]))
        for layer, part in zip(layers, np.split(lam, splits), strict=True):
            sensitivity[layer].append(part * slopes[layer][sample])
    delta = {layer: np.array(rows) for layer, rows in sensitivity.items()}
    return products(substrate, free, delta)


def _bias_slopes(probe: VectorField, free: Equilibrium, inputs: Array) -> dict[str, Array]:
    """Return dmu/dbias of every unit, by layer (batch, n), from one step with all biases shifted up, and down."""
    params, moved = probe.params, []
    for sign in (1, -1):
        probe.hold({n: v + sign * SHIFT if n.endswith(".bias") else v for n, v in params.items()})
        moved.append(probe.relax(inputs, start=free.resume, stop=Stop(1)).state)
    probe.hold(params)
    scale = {layer: probe.simulation.scale(layer) / (2 * SHIFT) for layer in free.state}
    return {layer: (moved[0][layer] - moved[1][layer]) * scale[layer] for layer in free.state}


def _with_biases(network: Network) -> Network:
    layers = {name: layer.model_copy(update={"bias": True}) for name, layer in network.layers.items()}
    return network.model_copy(update={"layers": layers})


def _all_biases(substrate: VectorField) -> Params:
    sizes = {name: layer.size for name, layer in substrate.network.layers.items() if layer.role != "input"}
    zeros = {f"{name}.bias": np.zeros(size) for name, size in sizes.items()}
    return {name: np.asarray(value, float) for name, value in {**zeros, **substrate.params}.items()}


def _probe(substrate: VectorField, batch: int) -> VectorField:
    """Return a substrate of the same physics in float64, with a bias at every unit, that does not learn."""
    described = substrate.described
    physics = described.physics.model_copy(update={"precision": "float64"})
    network = _with_biases(described).model_copy(update={"substrate": {described.substrate_name: physics}})
    probe = build(network, _all_biases(substrate), batch, plastic=False, target="numpy").as_field()
    assert probe is not None, "it is of the same substrate"
    return probe


def _volts(probe: VectorField) -> float:
    """Return the state that represents a readout of 1."""
    model = probe.described.neuron(probe.network.output_layer)
    assert model is not None
    if model.observed != model.state:
        raise SpecError(
            f"{model.where}: the cost reads '{model.observed}', not the state '{model.state}'; "
            "the adjoint needs a read-out of the state."
        )
    return probe.state_of_one
