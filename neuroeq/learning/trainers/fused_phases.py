"""The stepwise trainer on phases of fused training: for devices of resistor networks whose layers are a chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from neuroeq.describe.network import mask
from neuroeq.describe.spec import Network
from neuroeq.physics.circuits.fused.setting import Resistors
from neuroeq.physics.circuits.fused.training import FusedTraining

from .allowed import ANY, any_of
from .chain import ALLOWED, arrays_of, layers_of, reasons_against, setting_of
from .contract import Batches, Outcome, Setup, chunk_of
from .first_batch import first_free_phase
from .stepwise import Stepwise

Array = np.ndarray
IN_PYTHON = {
    **ALLOWED,
    "training.step.kind": ("gradient", "sign"),
    **any_of("training.", ("step.threshold", "weight_decay")),
    "hardware.synapse": ANY,
}
"""Settings of a resolved network that it allows: those of fused kernels, and what comes between two batches."""


class FusedPhases(Stepwise):
    """The trainer of circuits whose layers are a chain, and whose weights change in other ways than fused kernels do.

    Parameters
    ----------
    setup
        The substrate and the state of its training.
    """

    name = "fused_phases"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        network, params = setup.substrate.network, self.params
        self.chunk = chunk_of(network)
        self._arrays, self._biases = arrays_of(network), [f"{layer}.bias" for layer in layers_of(network)]
        within = [Resistors(connected=mask(network, name)) for name in self._arrays]
        self._circuit = FusedTraining(
            replace(setting_of(network), arrays=within, momentum=0.0),
            [params[name] for name in self._arrays],
            [params.get(name) for name in self._biases],
            compiled=False,
        )

    @staticmethod
    def reasons(network: Network) -> Iterator[str]:
        """Yield a sentence for each setting with which it would not end in the weights of the stepwise trainer."""
        yield from reasons_against(network, IN_PYTHON)

    @staticmethod
    def title(samples: int) -> str:
        """Return its name."""
        return FusedPhases.name

    def learn(self, batches: Batches) -> Outcome:
        """Learn from batches as `Fused.learn` does, which also says what it raises."""
        size, outputs = self._substrate.network.training.batch_size, []
        if not batches.first:
            self._substrate.hold(self._store.effective(self._child(batches.epoch, 0)("read")))
        free = first_free_phase(self._setup, batches)
        for index, start in enumerate(range(0, len(batches.inputs), size)):
            rows, child = slice(start, start + size), self._child(batches.epoch, batches.first + index)
            acting = self._store.effective(child("read"))
            asked = self._circuit.asked(
                batches.inputs[rows],
                batches.targets[rows],
                [acting[name] for name in self._arrays],
                [acting.get(name) for name in self._biases],
            )
            changes = zip((*self._arrays, *self._biases), asked.changes, strict=True)
            known = {name: change for name, change in changes if name in acting}
            self._change(known, batches.epoch, child("pulses"))
            outputs.append(asked.outputs)
        self._substrate.hold(self._store.held)
        return Outcome(np.concatenate(outputs), free)
