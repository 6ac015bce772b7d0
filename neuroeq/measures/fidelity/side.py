"""The side network of recurrent backpropagation: an error unit beside every unit, in Brian2.

    tau derr_i/dt = rho'_i sum_j W_ij A_j err_j + (dmu_i/ds_i) err_i,     err(0) = -dC/ds(s0)

with the slopes at the free equilibrium s0: A_j = dmu_j/ddrive, rho'_i = da_i/ds_i. The equations are those of
models/neurons/recurrent_backprop.toml.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Equilibrium, Stop, VectorField
from neuroeq.describe.catalog import load_model
from neuroeq.describe.spec import Network, NeuronModel
from neuroeq.errors import SpecError
from neuroeq.learning.costs import cost_of
from neuroeq.physics.substrates import build
from neuroeq.physics.substrates.stability import unclipped_states

Array = np.ndarray


class SideNetwork:
    """Recurrent backpropagation of a rate network, around a free equilibrium.

    Parameters
    ----------
    substrate
        The network, as rate equations.
    free
        The free equilibrium that errors propagate around.
    targets
        The targets of the batch: (batch, n_output).

    Raises
    ------
    NeuroeqError
        If a layer is not a rate model with one state, or the substrate is not rate equations.
    """

    def __init__(self, substrate: VectorField, free: Equilibrium, targets: Array) -> None:
        check_rates(substrate.network)
        self.network = substrate.network
        self._free, self._m = free, len(targets)
        self._beside = _beside(substrate)
        self._idle = np.zeros((self._m, self.network.layers[self.network.input_layer].size))
        values, moving = substrate.field_values(free), unclipped_states(self.network, free)
        self.gates: dict[str, Array] = {}
        variables: dict[str, Array] = {}
        for layer, field in substrate.fields.items():
            slopes = {"activity_slope": field.activity_slope, "own_slope": field.own_slope}
            variables |= {f"{layer}/{name}": slope(values[layer]) * moving[layer] for name, slope in slopes.items()}
            self.gates[layer] = variables[f"{layer}/drive_slope"] = field.drive_slope(values[layer]) * moving[layer]
            variables[f"{layer}/err"] = np.zeros_like(free.state[layer])
        output = self.network.output_layer
        pull = -cost_of(self.network.phases).gradient(free.outputs, targets)
        variables[f"{output}/err"] = pull * moving[output]
        everyone = np.ones(self._m, bool)
        self._start = self._beside.simulation.placed(variables, everyone, np.random.default_rng(0))
        self.first = {layer: variables[f"{layer}/err"] for layer in substrate.fields}

    def run(self, steps: int) -> list[dict[str, Array]]:
        """Return the errors at the start and after every step but the last: by layer (batch, n)."""
        errors, resume = [self.first], self._start
        for _ in range(steps - 1):
            eq = self._beside.relax(self._idle, start=resume, stop=Stop(1))
            errors.append(dict(eq.state))
            resume = eq.resume
        return errors


def check_rates(network: Network) -> None:
    """Refuse a substrate that is not rate equations, and units that send vectors.

    Raises
    ------
    SpecError
        If the substrate is not rate equations, or an activity has components.
    """
    for layer in network.layers:
        model = network.neuron(layer)
        if model is not None and model.vector:
            raise SpecError(
                f"{model.where}: its activity has the components {', '.join(model.components)}, and the side network "
                "of --rbp has one error a unit; leave --rbp out."
            )
    if not network.kind.equations:
        raise SpecError(
            f"{network.where}: --rbp compares step by step with a side network of rates, and this is substrate "
            f"'{network.substrate_name}'; use --substrate rate."
        )


def _beside(substrate: VectorField) -> VectorField:
    """Return the side network: an error unit for every unit, and all weights reversed."""
    network, model = substrate.network, load_model(NeuronModel, "recurrent_backprop")
    layers = {}
    for name, layer in network.layers.items():
        unit = network.neuron(name)
        own = None if unit is None else model.model_copy(update={"parameters": {"tau": _time_constant(unit)}})
        layers[name] = layer.model_copy(update={"bias": False, "neuron": own, "parameters": {}})
    projections, params = {}, {}
    for name, ends in network.projections.items():
        if ends.source == network.input_layer:
            continue
        if ends.directed and ends.kind == "conv":
            raise SpecError(
                f"{network.where}: projections.{name} is a directed convolution, and the side network of --rbp has no "
                "projection that runs backwards along it alone; leave --rbp out, or directed."
            )
        around = {"source": ends.target, "target": ends.source, "connect": None} if ends.directed else {}
        projections[name] = ends.model_copy(update={**around, "learning_rate": 0.0})
        params[name] = substrate.params[name].T if ends.directed else substrate.params[name]
    physics = network.physics.model_copy(
        update={"neuron": model, "dt": substrate.simulation.dt, "precision": "float64"}
    )
    training = network.training.model_copy(update={"learning": "contrastive", "rule": "vector_field"})
    phases = network.phases.model_copy(update={"nudge": None})
    update = {"layers": layers, "projections": projections, "substrate": {"rate": physics}}
    beside = network.model_copy(update={**update, "training": training, "phases": phases})
    field = build(beside, params, substrate.batch, plastic=False, target="numpy").as_field()
    assert field is not None, "it is of rates"
    return field


def _time_constant(model: NeuronModel) -> str | float:
    return f"{model.dt!r} s" if model.time_constant == "dt" else model.parameters[model.time_constant]
