"""What may change synapses during a phase, and where the change goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from neuroeq.describe.edges import Edges, outer

Array = np.ndarray


class Accumulator:
    """The change that the synapses of one batch have accumulated, per projection.

    Parameters
    ----------
    edges
        The synapses of projections that are sparse.
    """

    def __init__(self, edges: Mapping[str, Edges] | None = None) -> None:
        self._edges = edges or {}
        self._change: dict[str, Array] = {}
        self._outer: dict[str, tuple[Array, Array]] = {}

    def add(self, name: str, amount: Array) -> None:
        """Add to the change of a projection."""
        if name in self._change:
            self._change[name] += amount
        else:
            self._change[name] = amount

    def add_outer(self, name: str, pre: Array, post: Array) -> None:
        """Add pre^T post, later: phases with the same `pre` (m, n_pre) share one product."""
        known, total = self._outer.get(name, (pre, None))
        if total is None:
            self._outer[name] = (pre, post)
        elif known is pre:
            total += post
        else:
            self.add(name, outer(self._edges.get(name), known, total))
            self._outer[name] = (pre, post)

    def take(self) -> dict[str, Array]:
        """Return the change by projection, (n_pre, n_post), and start again at zero."""
        for name, (pre, post) in self._outer.items():
            self.add(name, outer(self._edges.get(name), pre, post))
        change, self._change, self._outer = self._change, {}, {}
        return change


@dataclass(frozen=True)
class Plasticity:
    """That synapses may change during a phase.

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
