"""One update: what the rule asks for, what the optimiser makes of it, and what the devices then hold."""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Params
from neuroeq.errors import SpecError
from neuroeq.physics.substrates import AnySubstrate, NeuronSubstrate
from neuroeq.randomness import Streams

from .optimiser import Descent
from .particles import Particles
from .phases import nudges
from .pruning import Pruning
from .rules import Lesson, Update, estimate
from .weight_store import WeightStore

Array = np.ndarray


class Learner:
    """Learns batch by batch.

    Parameters
    ----------
    substrate
        That learns.
    descent
        The optimiser.
    store
        The weights.
    streams
        Of random numbers.
    n
        Number of examples.
    particles
        The last free states of the examples, if they persist; filled here.

    Raises
    ------
    SpecError
        If edges are to be pruned that devices would bring back.
    """

    def __init__(
        self,
        substrate: AnySubstrate,
        descent: Descent,
        store: WeightStore,
        streams: Streams,
        n: int,
        particles: dict[str, Array],
    ) -> None:
        network = substrate.network
        self._substrate, self._descent, self._store, self._streams = substrate, descent, store, streams
        self._pruning = Pruning(network, network.training.prune) if network.training.prune else None
        if store.chip is not None and self._pruning is not None:
            raise SpecError(
                f"{network.where}: training.prune with devices that do not hold exactly what is written; an edge that "
                "is gone would come back, so use --ideal devices."
            )
        self._particles = None
        if network.phases.persistent:
            assert isinstance(substrate, NeuronSubstrate)
            self._particles = Particles(substrate, n, particles)

    @property
    def edges(self) -> int | None:
        """How many edges are left; None where none is pruned."""
        return None if self._pruning is None else self._pruning.edges(self._store.params)

    def learn(self, inputs: Array, wanted: Array, which: Array, epoch: int, batch: int) -> Update:
        """Learn from a batch, and return what the rule found; the substrate then has the weights that are held.

        Parameters
        ----------
        inputs, wanted
            (batch, n_input) and (batch, n_output).
        which
            The examples' numbers: (batch,).
        epoch, batch
            The place, from 0, that random numbers belong to.
        """
        substrate, store, phases = self._substrate, self._store, self._substrate.network.phases

        def child(name: str) -> np.random.Generator:
            return self._streams.child(name, epoch, batch)

        before, pulses = store.params, child("pulses")

        def change(asked: Params) -> None:
            store.change(self._descent.step(store.params, asked, epoch), pulses)

        def change_at_once(asked: Params) -> None:
            change(asked)
            substrate.params = store.effective(child("read"))

        substrate.params = store.effective(child("read"))
        start = None if self._particles is None else self._particles.start(which, child("rest"))
        at_once = change_at_once if substrate.network.training.update == "every_step" else None
        chosen = nudges(phases, child("nudge"))
        update = estimate(
            substrate, Lesson.of(substrate, inputs, wanted, chosen, child("state"), start=start, commit=at_once)
        )
        change(update.change)
        if self._particles is not None:
            self._particles.keep(update.free, which)
        if self._pruning is not None:
            store.change(self._pruning.step(before, store.params, child("prune")), child("pruned"))
        substrate.params = store.params
        return update
