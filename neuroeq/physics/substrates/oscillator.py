"""Networks of coupled oscillators: phases that settle, with the disorder and the precision of real oscillators.

    tau dphi_i/dt = drive_i + ... + omega_i + sqrt(2 D tau) xi_i,    drive_i = sum_j J_ij sin(phi_j - phi_i)

The equations are those of a neuron model whose state is a phase, such as `kuramoto`. Natural frequencies omega are
drawn once for each oscillator of a chip. Couplings are rounded as they act, while the weights that learn stay exact;
phases are rounded as they are read out.

Rageau & Grollier 2025, arXiv:2504.11884; Gower 2025, arXiv:2505.02103.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuroeq.contract import Equilibrium, Nudge, Params, Stop
from neuroeq.describe.network import free_layers
from neuroeq.describe.spec import Network, NeuronModel
from neuroeq.describe.spec.oscillators import Oscillators as Disorder
from neuroeq.errors import SpecError

from .neurons import NeuronSubstrate

Array = np.ndarray
TURN = 2 * np.pi
DISORDERED = "_disordered"
"""What ends the name of a neuron model with the disorder of its hardware."""


class Oscillators(NeuronSubstrate):
    """The substrate of a network that was resolved for oscillators.

    Parameters
    ----------
    network, params, batch, options
        The same as for `NeuronSubstrate`.

    Raises
    ------
    SpecError
        If a layer's units are no oscillators.
    """

    def __init__(self, network: Network, params: Params, batch: int, **options: Any) -> None:
        self._hardware = network.technology.oscillators
        self._coupled: tuple[Params, Params] = ({}, {})
        super().__init__(with_disorder(network), params, batch, **options)

    @property
    def weights(self) -> Params:
        """The couplings as they act: rounded to their bits."""
        if not self._hardware.coupling_bits:
            return self.params
        if self._coupled[0] is not self.params:
            self._coupled = self.params, {name: self._rounded(each) for name, each in self.params.items()}
        return self._coupled[1]

    def relax(
        self,
        inputs: ArrayLike,
        nudge: Nudge | None = None,
        start: Any = None,
        *,
        stop: Stop | None = None,
        rng: np.random.Generator | None = None,
        **others: Any,
    ) -> Equilibrium:
        """Let phases settle, and read them out."""
        eq = super().relax(inputs, nudge, start, stop=stop, rng=rng, **others)
        return self._read(eq) if self._hardware.phase_bits else eq

    def _rounded(self, weight: Array) -> Array:
        """Return couplings as the nearest of their levels, as many on either side of 0."""
        largest = self._hardware.coupling_max or float(np.abs(weight).max(initial=0.0))
        levels = max(1, 2 ** (self._hardware.coupling_bits - 1) - 1)
        step = largest / levels
        return (np.clip(np.round(weight / step), -levels, levels) * step).astype(weight.dtype) if step else weight

    def _read(self, eq: Equilibrium) -> Equilibrium:
        """Return an equilibrium whose phases, and what follows from them, are those that are read out."""
        step = TURN / 2**self._hardware.phase_bits
        state = {layer: (np.round(phase / step) * step).astype(phase.dtype) for layer, phase in eq.state.items()}
        values = {layer: {field.model.state: state[layer]} for layer, field in self.fields.items()}
        sent = {layer: field.functions[1](values[layer]) for layer, field in self.fields.items()}
        activity = {layer: each.astype(state[layer].dtype) for layer, each in sent.items()}
        output = self.network.output_layer
        outputs = self.fields[output].functions[2](values[output]).astype(eq.outputs.dtype)
        return replace(eq, state=state, activity={**eq.activity, **activity}, outputs=outputs)


def with_disorder(network: Network) -> Network:
    """Return the network with the disorder of its hardware in the equations of its units.

    Raises
    ------
    SpecError
        If a layer's units are no oscillators.
    """
    hardware, disordered = network.technology.oscillators, {}
    for layer in free_layers(network):
        model = network.neuron(layer)
        assert model is not None
        if not model.vector or network.physics.input != "analog":
            raise SpecError(
                f"{network.where}: layer '{layer}' has neuron '{model.name}' on substrate '{network.substrate_name}'; "
                "expected oscillators, which send vectors, such as 'kuramoto', and analog inputs."
            )
        disordered[layer] = _disordered(model, hardware)
    layers = {name: layer.model_copy(update={"neuron": disordered.get(name)}) for name, layer in network.layers.items()}
    return network.model_copy(update={"layers": layers})


def _disordered(model: NeuronModel, hardware: Disorder) -> NeuronModel:
    """Return an oscillator with a natural frequency, noise and injection, as far as its hardware has them."""
    if model.name.endswith(DISORDERED):
        return model
    terms, constants, parameters, initial = [], "", dict(model.parameters), dict(model.initial)
    if hardware.omega_sd:
        terms.append("omega")
        constants, initial["omega"] = "\nomega : 1 (constant)", f"normal(0, {hardware.omega_sd!r})"
    if hardware.phase_noise:
        terms.append(f"(2*phase_noise*{model.time_constant})**.5*xi")
        parameters["phase_noise"] = hardware.phase_noise
    if hardware.injection:
        if "injection" not in parameters:
            raise SpecError(
                f"{model.where}: has no parameter 'injection', which hardware.oscillators.injection adds to; choose a "
                "neuron such as 'kuramoto'."
            )
        parameters["injection"] = float(parameters["injection"]) + hardware.injection
    equations = model.equations
    if terms:
        if not model.phase:
            raise SpecError(
                f"{model.where}: has state '{model.state}', which is no phase, and hardware.oscillators.omega_sd and "
                "phase_noise turn phases; choose a neuron such as 'kuramoto', or set both to 0."
            )
        rate = re.compile(rf"^(\s*d{model.state}/dt\s*=)([^:]*)", re.MULTILINE)
        equations = rate.sub(rf"\1 (\2) + ({' + '.join(terms)})/{model.time_constant} ", equations) + constants
    elif parameters == model.parameters:
        return model
    update = {"equations": equations, "parameters": parameters, "initial": initial}
    return model.model_copy(update={**update, "name": f"{model.name}{DISORDERED}"})
