"""The trainer that goes batch by batch: relax the phases, apply the rule, step the optimiser, write the weights.

It allows every setting of the schema, and the other trainers have to agree with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.physics.substrates import NeuronSubstrate

from ..free_phases import FreePhases
from ..optimiser import Descent
from ..particles import Particles
from ..phases import nudges
from ..pruning import Pruning, key_of
from ..rules import Trial, Update, estimate
from ..weight_store import WeightStore
from .contract import Batches, Outcome, Setup

Array = np.ndarray


class Stepwise:
    """The trainer that allows every network.

    Parameters
    ----------
    setup
        The substrate and the state of its training.

    Raises
    ------
    SpecError
        If edges are pruned on a circuit whose devices would bring them back.
    """

    name = "stepwise"
    chunk = 1

    def __init__(self, setup: Setup) -> None:
        self._setup, self._substrate, state = setup, setup.substrate, setup.state
        network = self._substrate.network
        self._store = WeightStore.of(network, state, setup.streams)
        self._descent = Descent(network)
        self._descent.velocity = state.velocity
        self._pruning = Pruning(network, network.training.prune) if network.training.prune else None
        if self._store.chip is not None and self._pruning is not None:
            raise SpecError(
                f"{network.where}: training.prune with devices that do not hold exactly what is written; a removed "
                "edge would come back, so use --ideal devices."
            )
        self._particles = None
        if network.phases.persistent:
            assert isinstance(self._substrate, NeuronSubstrate)
            self._particles = Particles(self._substrate, setup.n_examples, state.particles)

    @staticmethod
    def reasons(network: Network) -> Iterator[str]:
        """Yield nothing: it allows every network."""
        yield from ()

    @staticmethod
    def drawbacks(network: Network, samples: int, target: str) -> Iterator[str]:
        """Yield nothing: it can always be used."""
        yield from ()

    @staticmethod
    def title(samples: int) -> str:
        """Return its name."""
        return Stepwise.name

    @staticmethod
    def prepare(network: Network, samples: int) -> None:
        """Do nothing: what it needs is compiled as the substrate is built."""

    @property
    def params(self) -> Params:
        """The weights and biases as they are now."""
        return self._store.params

    def learn(self, batches: Batches) -> Outcome:
        """Learn from batches in their order; the substrate then has the weights of the store.

        Raises
        ------
        DivergenceError
            If the state of a layer grows without bound.
        SpecError
            If beta is beyond the stability margin of a network that nothing bounds.
        """
        size, n = self._substrate.network.training.batch_size, len(batches.inputs)
        outputs, looked_at = [], FreePhases()
        if not batches.first:
            first = batches.inputs[:size]
            looked_at.multistable = self._setup.monitor.multistability(first, batches.epoch, self._setup.streams)
        for index, start in enumerate(range(0, n, size)):
            rows, batch = slice(start, start + size), batches.first + index
            examples = (batches.inputs[rows], batches.targets[rows], batches.which[rows])
            free = self._learn(*examples, batches.epoch, batch).free
            if batch == 0:
                self._setup.monitor.margin(free, batches.epoch)
            outputs.append(free.outputs)
            looked_at.add(FreePhases.of(self._substrate, free, len(examples[0])))
        edges = None if self._pruning is None else self._pruning.edges(self.params)
        return Outcome(outputs[0] if len(outputs) == 1 else np.concatenate(outputs), looked_at, edges)

    def _learn(self, inputs: Array, targets: Array, which: Array, epoch: int, batch: int) -> Update:
        """Learn from one batch, and return the update that the rule asked for."""
        substrate, store, child = self._substrate, self._store, self._child(epoch, batch)
        before, pulses = store.params, child("pulses")

        def change_at_once(asked: Params) -> None:
            self._change(asked, epoch, pulses)
            substrate.hold(store.effective(child("read")))

        substrate.hold(store.effective(child("read")))
        start = None if self._particles is None else self._particles.start(which, child("rest"))
        at_once = change_at_once if substrate.network.training.update == "every_step" else None
        chosen = nudges(substrate.network.phases, child("nudge"))
        trial = Trial.of(substrate, inputs, targets, chosen, child("state"), start=start, commit=at_once)
        update = estimate(substrate, trial)
        self._change(update.change, epoch, pulses)
        if self._particles is not None:
            self._particles.keep(update.free, which)
        if self._pruning is not None:
            store.change(self._pruning.step(before, store.params, key_of(child("prune"))), child("pruned"))
        substrate.hold(store.held)
        return update

    def _child(self, epoch: int, batch: int) -> Callable[[str], np.random.Generator]:
        """Return a function that returns the random numbers of a batch by what they are for."""
        return lambda name: self._setup.streams.child(name, epoch, batch)

    def _change(self, asked: Params, epoch: int, pulses: np.random.Generator) -> None:
        """Change what is kept by a step of the optimiser."""
        self._store.change(self._descent.step(self._store.params, asked, epoch), pulses)
