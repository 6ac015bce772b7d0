"""The trainer with fused kernels, for resistor networks that are a chain of layers; numba compiles long trainings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import bounds, learning_rates, mask
from neuroeq.describe.spec import Layer, Network
from neuroeq.describe.spec.recipe import Relaxation
from neuroeq.physics.circuits import kernels
from neuroeq.physics.circuits.fused.setting import NUDGES, VARIANTS, Rates, Resistors, Setting
from neuroeq.physics.circuits.fused.training import FusedTraining, compile_kernels, fits
from neuroeq.physics.circuits.layout import lay_out

from ..optimiser import schedule_factor
from ..weight_store import WeightStore
from .allowed import ANY, ASIDE, OVERLAYS, Allowed, Satisfying, any_of, disallowed
from .contract import Batches, Outcome, Setup, chunk_of, compiling_pays
from .first_batch import first_free_phase
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


class Fused:
    """The trainer of circuits whose layers are a chain.

    Parameters
    ----------
    setup
        The substrate and the state of its training.
    """

    name = "fused"

    def __init__(self, setup: Setup) -> None:
        self._setup, self._network = setup, setup.substrate.network
        self.chunk = chunk_of(self._network)
        self._arrays, layers = _arrays(self._network), list(_layers(self._network))
        self._names = (*self._arrays, *(f"{layer}.bias" for layer in layers))
        params = WeightStore.of(self._network, setup.state, setup.streams).params
        self.training = FusedTraining(
            _setting(self._network),
            [params[name] for name in self._arrays],
            [params.get(f"{layer}.bias") for layer in layers],
            velocity=[setup.state.velocity.get(name) for name in self._names],
            compiled=_compiles(setup.samples),
        )
        velocities = zip(self._names, self.training.velocity or (), strict=False)
        setup.state.velocity.update({name: v for name, v in velocities if name in self.params})

    @staticmethod
    def reasons(network: Network) -> Iterator[str]:
        """Yield a sentence for each setting with which it would not end in the weights of the stepwise trainer."""
        if network.substrate_name != "resistive":
            yield f"substrate is '{network.substrate_name}'"
            return
        yield from disallowed(network, ALLOWED)
        layers = _layers(network)
        if not all(layer.role == "hidden" for layer in list(layers.values())[:-1]) or len(layers) < 2:
            yield "layers are not an input layer, hidden layers and an output layer, in this order"
            return
        connections = sorted((each.source, each.target) for each in network.projections.values())
        if connections != sorted(pairwise([network.input_layer, *layers])):
            yield "projections do not just lead from each layer to the next one"
        nodes = lay_out(network).layers
        if not all(fits(nodes[name]) for name in list(layers)[:-1]):
            yield "the nonlinearity of a hidden layer is neither ideal nor a single Shockley diode at each hidden node"

    @staticmethod
    def drawbacks(network: Network, samples: int, target: str) -> Iterator[str]:
        """Yield nothing: it is faster even in NumPy, and compiles only for long trainings."""
        yield from ()

    @staticmethod
    def title(samples: int) -> str:
        """Return its name, and whether it computes with numba or NumPy."""
        return f"fused ({'numba' if _compiles(samples) else 'numpy'})"

    @staticmethod
    def prepare(network: Network, samples: int) -> None:
        """Compile the kernels if the training is long enough and numba is installed."""
        if _compiles(samples):
            compile_kernels(_setting(network), network.physics.precision)

    @property
    def params(self) -> Params:
        """The conductances and bias currents as they are now; they change in place."""
        held = (*self.training.g, *self.training.biases)
        known = {*self._network.projections, *learning_rates(self._network)}
        return {name: value for name, value in zip(self._names, held, strict=True) if name in known}

    def learn(self, batches: Batches) -> Outcome:
        """Learn from batches in their order; only the free phase of the first batch of an epoch is examined.

        Raises
        ------
        DataError
            If a nudge exceeds the conductances of an output node.
        DivergenceError
            If voltages are not finite.
        SpecError
            If beta is beyond the stability margin of a network that nothing bounds.
        """
        free = first_free_phase(self._setup, batches)
        training, rates = self._network.training, learning_rates(self._network)
        factor = schedule_factor(training.schedule, batches.epoch, training.epochs)
        scaled, n = [factor * rates.get(name, 0.0) for name in self._names], len(self._arrays)
        order = np.arange(len(batches.inputs))
        outputs = self.training.train(
            batches.inputs, batches.targets, order, training.batch_size, Rates(scaled[:n], scaled[n:])
        )
        self._setup.substrate.hold(self.params)
        return Outcome(outputs, free)


def _compiles(samples: int) -> bool:
    return compiling_pays(samples) and kernels.available()


def _setting(network: Network) -> Setting:
    phases, layout, circuit = network.phases, network.circuit, lay_out(network)
    names: dict[str, Any] = {"variant": phases.variant, "nudge": network.nudge}
    return Setting(
        hidden=[circuit.layers[name] for name in list(_layers(network))[:-1]],
        arrays=[_resistors(network, name) for name in _arrays(network)],
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


def _layers(network: Network) -> dict[str, Layer]:
    """Return the layers after the input layer, in their order."""
    return {name: layer for name, layer in network.layers.items() if name != network.input_layer}


def _arrays(network: Network) -> list[str]:
    """Return the names of the resistor arrays, each of which ends at a layer, in the order of layers."""
    ending = {each.target: name for name, each in network.projections.items()}
    return [ending[layer] for layer in _layers(network)]
