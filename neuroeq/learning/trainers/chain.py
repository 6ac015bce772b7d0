"""Networks of resistors whose layers are a chain, as the circuit that fused training takes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from neuroeq.describe.network import bounds, learning_rates, mask
from neuroeq.describe.spec import Layer, Network
from neuroeq.describe.spec.recipe import Relaxation
from neuroeq.physics.circuits.fused.setting import NUDGES, VARIANTS, Resistors, Setting
from neuroeq.physics.circuits.fused.training import fits
from neuroeq.physics.circuits.layout import lay_out

from .allowed import ANY, ASIDE, OVERLAYS, Allowed, Satisfying, any_of, disallowed
from .ideal import HARDWARE

COUNTED = Satisfying(lambda duration: Relaxation(duration=duration).counted)
"""Durations that are a number of steps."""
RECIPE: Allowed = {
    "phases.variant": tuple(VARIANTS),
    "phases.beta": ANY,
    "phases.free.duration": COUNTED,
    "phases.nudged.duration": COUNTED,
    "phases.cost": ("squared_error",),
    "phases.temperature": ANY,
    "phases.nudge": (None, *NUDGES),
    "phases.points": ANY,
    "training.learning": ("contrastive",),
    "training.rule": ("ep",),
    "training.update": ("after_phases",),
    "training.epochs": ANY,
    "training.batch_size": ANY,
    "training.step.kind": ("gradient",),
    "training.schedule": ANY,
    "training.momentum": ANY,
    "training.l1": ANY,
}
"""Phases and training."""
LAYOUT = ("input_gain", "bias_voltages", "outputs", "diodes", "v_unit", "g_unit")
"""Fields of the layout of a circuit that the kernels are given."""
ALLOWED: Allowed = {
    **any_of("", ASIDE),
    **RECIPE,
    **any_of("layers.*.", ("size", "role", "bias", "bias_learning_rate", "bias_initial", "nonlinearity")),
    **any_of("projections.*.", ("source", "target", "learning_rate", "initial", "bounds", "connect")),
    **any_of("substrate.*.", ("precision", "hardware", *OVERLAYS)),
    **any_of("substrate.*.circuit.", LAYOUT),
    **HARDWARE,
    "hardware.neuron.amplifier": ANY,
    "run.engine": (None, "operating_point"),
}
"""Settings of a resolved network that the kernels compute exactly as the substrate, the rule and the optimiser do."""


def reasons_against(network: Network, allowed: Allowed) -> Iterator[str]:
    """Yield a sentence for each setting that a list does not allow, and for what is no chain of layers."""
    if network.substrate_name != "resistive":
        yield f"substrate is '{network.substrate_name}'"
        return
    yield from disallowed(network, allowed)
    layers = layers_of(network)
    if not all(layer.role == "hidden" for layer in list(layers.values())[:-1]) or len(layers) < 2:
        yield "layers are not an input layer, hidden layers and an output layer, in this order"
        return
    connections = sorted((each.source, each.target) for each in network.projections.values())
    if connections != sorted(pairwise([network.input_layer, *layers])):
        yield "projections do not just lead from each layer to the next one"
    nodes = lay_out(network).layers
    if not all(fits(nodes[name]) for name in list(layers)[:-1]):
        yield "the nonlinearity of a hidden layer is neither ideal nor a single Shockley diode at each hidden node"


def setting_of(network: Network) -> Setting:
    """Return the circuit of a network, and what does not change as it learns."""
    phases, layout, circuit = network.phases, network.circuit, lay_out(network)
    names: dict[str, Any] = {"variant": phases.variant, "nudge": network.nudge}
    return Setting(
        hidden=[circuit.layers[name] for name in list(layers_of(network))[:-1]],
        arrays=[_resistors(network, name) for name in arrays_of(network)],
        paired=layout.outputs == "paired",
        beta=phases.beta,
        gain=layout.input_gain,
        constants=layout.bias_voltages,
        sweeps=(phases.free.n_steps(1.0), phases.nudged.n_steps(1.0)),
        momentum=network.training.momentum,
        **names,
    )


def _resistors(network: Network, array: str) -> Resistors:
    decay = network.training.l1 if learning_rates(network)[array] else 0.0
    return Resistors(bounds(network, array) or (0.0, np.inf), mask(network, array), decay)


def layers_of(network: Network) -> dict[str, Layer]:
    """Return the layers after the input layer, in their order."""
    return {name: layer for name, layer in network.layers.items() if name != network.input_layer}


def arrays_of(network: Network) -> list[str]:
    """Return the names of the resistor arrays, each of which ends at a layer, in the order of layers."""
    ending = {each.target: name for name, each in network.projections.items()}
    return [ending[layer] for layer in layers_of(network)]
