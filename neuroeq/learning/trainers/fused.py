"""The trainer with fused kernels, for resistor networks of one hidden layer; numba compiles them for long trainings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import bounds, learning_rates, mask
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.recipe import Relaxation
from neuroeq.physics.circuits import kernels
from neuroeq.physics.circuits.diodes import IdealDiode, NoDiode
from neuroeq.physics.circuits.fused.setting import NUDGES, VARIANTS, Rates, Setting
from neuroeq.physics.circuits.fused.training import FusedTraining, compile_kernels
from neuroeq.physics.circuits.layout import lay_out
from neuroeq.physics.circuits.single_diodes import single_diodes

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
    **any_of("layers.*.", ("size", "role", "bias", "bias_learning_rate", "bias_initial")),
    **any_of("projections.*.", ("source", "target", "learning_rate", "initial", "bounds", "connect")),
    **any_of("substrate.*.", ("precision", "hardware", *OVERLAYS)),
    **any_of("substrate.*.circuit.", LAYOUT),
    **HARDWARE,
    "run.engine": (None, "operating_point"),
}
"""Settings of a resolved network that the kernels compute exactly as the substrate, the rule and the optimiser do."""


class Fused:
    """The trainer of circuits with one hidden layer.

    Parameters
    ----------
    setup
        The substrate and the state of its training.
    """

    name = "fused"

    def __init__(self, setup: Setup) -> None:
        self._setup, self._network = setup, setup.substrate.network
        self.chunk = chunk_of(self._network)
        self._first, self._second = _arrays(self._network)
        self._names = (self._first, self._second, *(f"{layer}.bias" for layer in _ends(self._network)))
        params = WeightStore.of(self._network, setup.state, setup.streams).params
        self.training = FusedTraining(
            _setting(self._network),
            params[self._first],
            params[self._second],
            *(params.get(name) for name in self._names[2:]),
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
        if sorted(layer.role for layer in network.layers.values()) != ["hidden", "input", "output"]:
            yield "layers are not an input layer, one hidden layer and an output layer"
            return
        hidden, output = _ends(network)
        connections = sorted((each.source, each.target) for each in network.projections.values())
        if connections != sorted([(network.input_layer, hidden), (hidden, output)]):
            yield "projections do not just lead from the input layer to the hidden one, and from there to the output"
        nodes = lay_out(network).layers[hidden]
        if not isinstance(nodes.diode, IdealDiode | NoDiode) and single_diodes(nodes) is None:
            yield "hardware.neuron.nonlinearity is neither ideal nor a single Shockley diode at each hidden node"

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
        held = (self.training.g1, self.training.g2, self.training.hidden_bias, self.training.output_bias)
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
        scaled = Rates(*(factor * rates.get(name, 0.0) for name in self._names))
        order = np.arange(len(batches.inputs))
        outputs = self.training.train(batches.inputs, batches.targets, order, training.batch_size, scaled)
        self._setup.substrate.hold(self.params)
        return Outcome(outputs, free)


def _compiles(samples: int) -> bool:
    return compiling_pays(samples) and kernels.available()


def _setting(network: Network) -> Setting:
    hidden = lay_out(network).layers[_ends(network)[0]]
    first, second = _arrays(network)
    open_ended = (0.0, np.inf)
    phases, layout = network.phases, network.circuit
    names: dict[str, Any] = {"variant": phases.variant, "nudge": network.nudge}
    return Setting(
        low=hidden.low,
        high=hidden.high,
        diode=hidden.diode,
        paired=layout.outputs == "paired",
        beta=phases.beta,
        gain=layout.input_gain,
        constants=layout.bias_voltages,
        sweeps=(phases.free.n_steps(1.0), phases.nudged.n_steps(1.0)),
        g1_limits=bounds(network, first) or open_ended,
        g2_limits=bounds(network, second) or open_ended,
        g1_connected=mask(network, first),
        g2_connected=mask(network, second),
        momentum=network.training.momentum,
        l1=(_decay(network, first), _decay(network, second)),
        **names,
    )


def _decay(network: Network, array: str) -> float:
    return network.training.l1 if learning_rates(network)[array] else 0.0


def _ends(network: Network) -> tuple[str, str]:
    """Return the names of the hidden and the output layer."""
    hidden = next(name for name, layer in network.layers.items() if layer.role == "hidden")
    return hidden, network.output_layer


def _arrays(network: Network) -> tuple[str, str]:
    """Return the names of the resistor arrays from the sources and to the outputs."""
    first = next(name for name, each in network.projections.items() if each.source == network.input_layer)
    return first, next(name for name in network.projections if name != first)
