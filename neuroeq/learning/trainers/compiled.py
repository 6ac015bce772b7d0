"""The trainer in compiled C++, for networks of neurons with dense projections and fixed phases."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import learning_rates
from neuroeq.describe.spec import Network
from neuroeq.errors import DivergenceError
from neuroeq.physics.engine.compiled import library_of, parameter_names, parameter_updates, slopes, unsupported
from neuroeq.physics.substrates import NeuronSubstrate

from ..optimiser import schedule_factor
from ..phases import nudges
from . import contract
from .allowed import ANY, ASIDE, OVERLAYS, Allowed, any_of, disallowed
from .contract import Batches, Outcome, Setup, chunk_of, compiling_pays
from .first_batch import first_free_phase

SUBSTRATES = ("rate", "spiking")
"""Substrates of neurons, whose equations Brian2 can write as C++."""

RECIPE: Allowed = {
    "phases.variant": ("positive", "negative", "random_sign", "centred"),
    "phases.beta": ANY,
    "phases.free.duration": ANY,
    "phases.nudged.duration": ANY,
    "phases.cost": ("squared_error",),
    "phases.temperature": ANY,
    "phases.nudge": (None, "state"),
    "phases.points": ANY,
    "training.learning": ("in_situ", "contrastive"),
    "training.rule": ("ep",),
    "training.update": ("after_phases",),
    "training.epochs": ANY,
    "training.batch_size": ANY,
    "training.step.kind": ("gradient",),
    "training.schedule": ANY,
}
"""Phases and training."""
MODELS = ("neuron", "synapse", "input", "neuron_parameters", "synapse_parameters", "input_parameters")
"""Fields of a substrate that choose its models, whose equations `unsupported` looks at."""
ALLOWED: Allowed = {
    **any_of("", ASIDE),
    **RECIPE,
    **any_of("layers.*.", ("size", "role", "bias", "bias_learning_rate", "bias_initial", "neuron", "parameters")),
    **any_of("projections.*.", ("source", "target", "directed", "learning_rate", "initial", "bounds")),
    **any_of("projections.*.", ("connect", "delay", "synapse", "hardware")),  # `unsupported` checks these
    **any_of("substrate.*.", (*MODELS, "dt", "precision", *OVERLAYS)),
    "run.engine": (None, "compiled"),
}
"""Settings with which it ends in the same weights as the stepwise trainer; `unsupported` checks the equations."""


class Compiled:
    """The trainer of dense rate and spiking networks.

    Parameters
    ----------
    setup
        The substrate and the state of its training; the substrate draws the start values of each batch.

    Raises
    ------
    SpecError
        If there is no compiler, or it fails.
    """

    name = "compiled"

    def __init__(self, setup: Setup) -> None:
        substrate, self._setup = setup.substrate, setup
        assert isinstance(substrate, NeuronSubstrate)
        self._network, self._simulation = substrate.network, substrate.simulation
        self.chunk = chunk_of(self._network)
        self._library = library_of(self._network)
        self._dtype = np.dtype(self._network.physics.precision)
        self._updates = parameter_updates(self._network, self._simulation.dt)
        self._order = parameter_names(self._network, self._updates)
        self._params = {name: np.array(value, self._dtype, order="C") for name, value in setup.state.params.items()}

    @staticmethod
    def reasons(network: Network) -> Iterator[str]:
        """Yield a sentence for each setting with which it would not end in the weights of the stepwise trainer."""
        if network.substrate_name not in SUBSTRATES:
            yield f"substrate is '{network.substrate_name}'"
            return
        yield from disallowed(network, ALLOWED)
        yield from unsupported(network)

    @staticmethod
    def drawbacks(samples: int, target: str) -> Iterator[str]:
        """Yield a sentence if the training is short, or if the user wants no compiler."""
        if not compiling_pays(samples):
            yield f"a training of {samples:,} samples is shorter than the {contract.COMPILED_FROM:,} that pay for it"
        if target == "numpy":
            yield "the target is 'numpy', which asks for no compiler"

    @staticmethod
    def title(samples: int) -> str:
        """Return its name."""
        return Compiled.name

    @staticmethod
    def prepare(network: Network, samples: int) -> None:
        """Compile the library of a network, unless it is compiled already.

        Raises
        ------
        SpecError
            If there is no compiler, or it fails.
        """
        library_of(network)

    @property
    def params(self) -> Params:
        """The weights and biases as they are now; they change in place."""
        return self._params

    def learn(self, batches: Batches) -> Outcome:
        """Learn from batches in their order; only the free phase of the first batch of an epoch is examined.

        Raises
        ------
        DivergenceError
            If outputs or weights are not finite.
        SpecError
            If beta is beyond the stability margin of a network that nothing bounds.
        """
        free = first_free_phase(self._setup, batches)
        network, streams, epoch = self._network, self._setup.streams, batches.epoch
        n_batches = network.training.n_batches(len(batches.inputs))
        places = [(epoch, batches.first + index) for index in range(n_batches)]
        chosen = [nudges(network.phases, streams.child("nudge", *place)) for place in places]
        drawn = [self._simulation.start_values(streams.child("state", *place)) for place in places]
        gains = [[gain for _, gain in each] for each in chosen]
        rates, training = learning_rates(network), network.training
        factor = schedule_factor(training.schedule, epoch, training.epochs)
        outputs = self._library.learn(
            batches.inputs.astype(self._dtype, copy=False),
            batches.targets.astype(self._dtype, copy=False),
            [np.array(each, self._dtype) for each in zip(*drawn, strict=True)],
            np.array([[beta for beta, _ in each] for each in chosen]),
            np.array([slopes(self._updates, each, self._simulation.dt) for each in gains]),
            np.array([factor * rates[each.name] for each in self._updates]),
            [self._params[name] for name in self._order],
        )
        if not all(np.isfinite(value).all() for value in (outputs, *self._params.values())):
            raise DivergenceError(
                f"network '{network.name}': outputs or weights grew without bound in epoch {epoch + 1}; try a "
                "smaller projections.*.learning_rate, projections.*.initial.gain, phases.beta or dt."
            )
        self._setup.substrate.hold(self._params)
        return Outcome(outputs, free)
