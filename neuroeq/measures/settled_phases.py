"""The phases of one batch on a circuit, which its costs are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from neuroeq.contract import Circuit, Equilibrium, Nudge
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Trial
from neuroeq.randomness import Streams

Array = np.ndarray


@dataclass(frozen=True)
class SettledPhases:
    """The ends of the phases of one batch.

    Parameters
    ----------
    batch
        The number of examples.
    free
        The equilibrium of the free phase.
    nudged
        The pull and the end of each nudged phase.
    """

    batch: int
    free: Equilibrium
    nudged: list[tuple[Nudge, Equilibrium]]

    @classmethod
    def of(cls, circuit: Circuit, inputs: Array, targets: Array, streams: Streams) -> Self:
        """Return the phases of a batch.

        Parameters
        ----------
        circuit
            The circuit, with its parameters.
        inputs, targets
            The inputs and targets of the examples: (batch, n_input) and (batch, n_output).
        streams
            The random numbers that draw the sign of a random nudge.
        """
        chosen = nudges(circuit.network.phases, streams.child("energy"))
        trial = Trial.of(circuit, inputs, targets, chosen, streams.child("energy", 0))
        free, ends = trial.settle(circuit)
        nudged = [(trial.nudge(beta, free), end) for beta, end in zip(trial.betas, ends, strict=True)]
        return cls(len(inputs), free, nudged)
