"""The states of a training after each of its epochs: kept while it runs, or found by training once more in memory."""

from __future__ import annotations

from collections.abc import Iterator
from warnings import catch_warnings, simplefilter

from neuroeq.data import Examples
from neuroeq.errors import NeuroeqWarning
from neuroeq.learning.state import State, Step
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.engine import use_target
from neuroeq.physics.substrates import build, engine_of
from neuroeq.randomness import Streams

from .run import Run

LONGEST_S = 60.0
"""The CPU time of the longest training whose earlier states are looked at [s]."""
MOST_BYTES = 2**26
"""The memory that states may take which are kept while a training runs."""


class Epochs:
    """The states of a training after each of its epochs, as far as `check` looks at them: a ``callback`` of `train`.

    Parameters
    ----------
    most_bytes
        The memory that they may take; if they need more, none is kept.

    Attributes
    ----------
    states
        The states, in the order of epochs, with weights and devices alone; None if they were too large.
    """

    def __init__(self, most_bytes: float = MOST_BYTES) -> None:
        self.states: list[State] | None = []
        self._left = most_bytes

    def __call__(self, step: Step, state: State) -> None:
        """Keep a state that ends an epoch."""
        if self.states is None or not step.ends_epoch:
            return
        kept = [{name: value.copy() for name, value in each.items()} for each in (state.params, state.devices)]
        self.states.append(State(kept[0], devices=kept[1]))
        self._left -= sum(value.nbytes for each in kept for value in each.values())
        if self._left < 0:
            self.states = None


def earlier_states(
    run: Run, examples: Examples, target: str | None, kept: Epochs | None = None
) -> Iterator[tuple[int, State]]:
    """Yield the numbers of epochs and the states of a run after them, from the last but one on.

    Nothing is yielded for a run that took long.

    Parameters
    ----------
    run
        The finished run whose training is looked back at.
    examples
        The examples that it was trained on.
    target
        What Brian2 compiles equations to, as for `use_target`.
    kept
        The states that its training kept, if it ran from its start to its end; it is trained once more if left out.
    """
    if (run.result.get("cpu_s") or 0.0) > LONGEST_S:
        return
    states = None if kept is None else kept.states
    if states is None:
        states = _trained_again(run, examples, target)
    for epoch in range(len(states) - 1, 0, -1):
        yield epoch, states[epoch - 1]


def _trained_again(run: Run, examples: Examples, target: str | None) -> list[State]:
    """Return the states of a run after each epoch."""
    network, streams, trained = run.network, Streams(run.network.run.seed), run.folder.load()
    state, epochs = initial_state(network, streams, trained.start), Epochs(most_bytes=float("inf"))
    substrate = build(
        network, state.params, network.training.batch_size, engine=engine_of(network), target=use_target(target)
    )
    with catch_warnings():
        simplefilter("ignore", NeuroeqWarning)
        for step in train(substrate, examples, state, streams, trainer=trained.trainer):
            epochs(step, state)
    return epochs.states or []
