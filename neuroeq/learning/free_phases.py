"""How the free phases of some examples ended: what the metrics of an epoch hold beside errors and losses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from neuroeq.contract import Equilibrium, Substrate


@dataclass
class FreePhases:
    """Sums over the examples whose free phases were examined.

    Parameters
    ----------
    looked_at
        Number of these examples.
    spikes
        Sum of the number of spikes of all units.
    residual
        Sum of the residuals, on the scale of the substrate.
    steps
        Sum of the numbers of steps.
    moving, top
        Sum of the fraction of units that can move, and of the fraction stuck at their upper bound, by layer.
    multistable
        The fraction of a few samples that end differently from other start phases, before the epoch; None if units
        are no oscillators, or nothing was looked at.
    """

    looked_at: int = 0
    spikes: float = 0.0
    residual: float = 0.0
    steps: int = 0
    moving: dict[str, float] = field(default_factory=dict)
    top: dict[str, float] = field(default_factory=dict)
    multistable: float | None = None

    @classmethod
    def of(cls, substrate: Substrate, free: Equilibrium, n: int) -> Self:
        """Return the sums over a batch.

        Parameters
        ----------
        substrate
            The substrate that was relaxed.
        free
            The free equilibrium of the batch.
        n
            Number of examples in the batch.
        """
        saturation = substrate.saturation(free)
        return cls(
            looked_at=n,
            spikes=(free.spikes or 0.0) * n,
            residual=free.residual * n,
            steps=free.n_steps * n,
            moving={layer: moving * n for layer, (moving, _) in saturation.items()},
            top={layer: top * n for layer, (_, top) in saturation.items()},
        )

    def add(self, other: FreePhases) -> None:
        """Add the sums over other examples to these."""
        self.looked_at += other.looked_at
        self.spikes += other.spikes
        self.residual += other.residual
        self.steps += other.steps
        self.multistable = self.multistable if other.multistable is None else other.multistable
        for mine, theirs in ((self.moving, other.moving), (self.top, other.top)):
            for layer, value in theirs.items():
                mine[layer] = mine.get(layer, 0.0) + value
