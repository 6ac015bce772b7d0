"""The change of synapses during a phase: how it is scaled, and where it is accumulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from neuroeq.describe.operators import Operator

Array = np.ndarray


class Accumulator:
    """The change that the synapses of one batch have accumulated, per projection.

    Parameters
    ----------
    operators
        The projections and biases as linear maps, by name.
    """

    def __init__(self, operators: Mapping[str, Operator]) -> None:
        self._operators = operators
        self._change: dict[str, Array] = {}
        self._outer: dict[str, tuple[Array, Array]] = {}

    def add(self, name: str, amount: Array) -> None:
        """Add an amount, of the shape of the parameter, to the change of a projection."""
        if name in self._change:
            self._change[name] += amount
        else:
            self._change[name] = amount

    def add_outer(self, name: str, pre: Array, post: Array) -> None:
        """Add a product when the change is taken; phases with the same `pre`, (m, n_pre), share one."""
        known, total = self._outer.get(name, (pre, None))
        if total is None:
            self._outer[name] = (pre, post)
        elif known is pre:
            total += post
        else:
            self.add(name, self._operators[name].outer(known, total))
            self._outer[name] = (pre, post)

    def take(self) -> dict[str, Array]:
        """Return the change by projection, in the shapes of the parameters, and start again at zero."""
        for name, (pre, post) in self._outer.items():
            self.add(name, self._operators[name].outer(pre, post))
        change, self._change, self._outer = self._change, {}, {}
        return change


@dataclass(frozen=True)
class Plasticity:
    """How synapses change during a phase.

    Parameters
    ----------
    into
        The accumulator that the change is added to.
    gain
        The phase's factor: 1/beta, halved and signed in centred nudging.
    on_step
        Called after every step, if the weights are to move at once; returns them.
    """

    into: Accumulator
    gain: float
    on_step: Callable[[], dict[str, Array]] | None = None
