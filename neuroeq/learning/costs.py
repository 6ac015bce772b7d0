"""Costs C(outputs, targets) of a sample, and their gradients, which are the pull of a nudge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from neuroeq.contract import Cost
from neuroeq.describe.spec import Phases
from neuroeq.registry import COSTS

Array = np.ndarray


class SquaredError:
    """``C = 1/2 |outputs - targets|^2``."""

    @classmethod
    def of(cls, phases: Phases) -> Self:
        """Return the cost that the phases of a network describe."""
        return cls()

    def value(self, outputs: Array, targets: Array) -> Array:
        """Return the cost of each sample: (batch,)."""
        return 0.5 * ((outputs - targets) ** 2).sum(axis=1)

    def gradient(self, outputs: Array, targets: Array) -> Array:
        """Return dC/doutputs: (batch, n_output); of complex outputs its analytic continuation."""
        return outputs - targets


@dataclass(frozen=True)
class CrossEntropy:
    """C = -T sum targets log softmax(outputs/T), whose gradient is softmax(outputs/T) - targets.

    Parameters
    ----------
    temperature
        The temperature T. It multiplies the cost as well, so that the pull keeps its size.
    """

    temperature: float = 1.0

    @classmethod
    def of(cls, phases: Phases) -> Self:
        """Return the cost that the phases of a network describe."""
        return cls(phases.temperature)

    def value(self, outputs: Array, targets: Array) -> Array:
        """Return the cost of each sample: (batch,)."""
        from scipy.special import log_softmax

        return -self.temperature * (targets * log_softmax(outputs / self.temperature, axis=1)).sum(axis=1)

    def gradient(self, outputs: Array, targets: Array) -> Array:
        """Return dC/doutputs: (batch, n_output); of complex outputs its analytic continuation."""
        shifted = outputs / self.temperature
        weight = np.exp(shifted - shifted.real.max(axis=1, keepdims=True))
        return weight / weight.sum(axis=1, keepdims=True) * targets.sum(axis=1, keepdims=True) - targets


def cost_of(phases: Phases) -> Cost:
    """Return the cost that nudged phases lower."""
    return COSTS.get(phases.cost).of(phases)
