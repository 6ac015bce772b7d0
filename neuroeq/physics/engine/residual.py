"""How far a network is from rest: the largest change of a state over a step, times the time constant over the step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Array = np.ndarray


class Residuals:
    """The states of all moving layers, and what turns their change over a step into a residual.

    Parameters
    ----------
    states
        States by layer: (batch, n), views of the simulation's own memory.
    scales
        Time constants over the step by layer, dimensionless.
    """

    def __init__(self, states: Mapping[str, Array], scales: Mapping[str, float]) -> None:
        self.states, self._scales = states, [scales[layer] for layer in states]

    def copy(self) -> list[Array]:
        """Return the states of all layers before a step."""
        return [state.copy() for state in self.states.values()]

    def since(self, before: list[Array], samples: int) -> float:
        """Return the largest residual of the first samples, given the states before a step."""
        return max(
            float(np.abs(state[:samples] - old[:samples]).max()) * scale
            for state, scale, old in zip(self.states.values(), self._scales, before, strict=True)
        )

    def diverged(self, samples: int) -> str:
        """Return the first layer with a state that is not finite, in the first samples."""
        return next(layer for layer, state in self.states.items() if not np.isfinite(state[:samples]).all())
