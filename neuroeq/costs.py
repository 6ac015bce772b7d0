"""What the outputs are asked for: a cost C(outputs, targets) per sample, and its gradient, the pull of a nudge."""

from __future__ import annotations

from typing import Protocol

import numpy as np

Array = np.ndarray


class Cost(Protocol):
    """A cost of the outputs."""

    def value(self, outputs: Array, targets: Array) -> Array:
        """Return the cost of each sample: (batch,)."""
        ...

    def gradient(self, outputs: Array, targets: Array) -> Array:
        """Return dC/doutputs: (batch, n_output)."""
        ...


class SquaredError:
    """C = 1/2 |outputs - targets|^2."""

    def value(self, outputs: Array, targets: Array) -> Array:
        """Return the cost of each sample: (batch,)."""
        return 0.5 * ((outputs - targets) ** 2).sum(axis=1)

    def gradient(self, outputs: Array, targets: Array) -> Array:
        """Return dC/doutputs: (batch, n_output)."""
        return outputs - targets


COSTS: dict[str, Cost] = {"squared_error": SquaredError()}
