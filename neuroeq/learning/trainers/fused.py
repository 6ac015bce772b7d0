"""The trainer with fused kernels, for resistor networks that are a chain of layers; numba compiles long trainings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import learning_rates
from neuroeq.describe.spec import Network
from neuroeq.physics.circuits import kernels
from neuroeq.physics.circuits.fused.setting import Rates
from neuroeq.physics.circuits.fused.training import FusedTraining, compile_kernels

from ..optimiser import schedule_factor
from ..weight_store import WeightStore
from .chain import ALLOWED, arrays_of, layers_of, reasons_against, setting_of
from .contract import Batches, Outcome, Setup, chunk_of, compiling_pays
from .first_batch import first_free_phase


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
        self._arrays, layers = arrays_of(self._network), list(layers_of(self._network))
        self._names = (*self._arrays, *(f"{layer}.bias" for layer in layers))
        params = WeightStore.of(self._network, setup.state, setup.streams).params
        self.training = FusedTraining(
            setting_of(self._network),
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
        yield from reasons_against(network, ALLOWED)

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
            compile_kernels(setting_of(network), network.physics.precision)

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
