"""What `check` found, as a value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .rbp import Trajectory


@dataclass(frozen=True)
class Projection:
    """How the estimate of one parameter array compares with its gradient.

    Parameters
    ----------
    cosine, norm_ratio, sign_agreement
        As `neuroeq.measures.fidelity.agreement` defines them; nan where the gradient is zero.
    bptt_cosine
        With the gradient by backpropagation through as many steps as the nudged phase has; None where there is none.
    finite_difference_error
        Largest difference of the gradient from finite differences on some entries, over the largest entry; None where
        the free phase is not deterministic.
    """

    cosine: float
    norm_ratio: float
    sign_agreement: float
    bptt_cosine: float | None
    finite_difference_error: float | None


@dataclass(frozen=True)
class Report:
    """What `check` found.

    Parameters
    ----------
    network, substrate, hardware, learning, variant
        The network that was checked, and how it was run and trained.
    beta
        The nudge strength of the network's file.
    projections
        How the estimate compares with the gradient, by parameter array.
    cosine
        The cosine of estimate and gradient over all parameters together.
    errors
        By beta: |estimate - gradient| / |gradient|, with the norm of the estimate fitted where it is not the rates'.
    bias_slope
        Of log error over log beta, between the smallest betas whose error rises.
    suggested_beta
        The beta with the least error.
    variance
        The variance of the estimate over repeats, divided by its squared mean.
    margin
        Largest stable |beta| of a negative nudge.
    asymmetry
        |Jac - Jac^T| / |Jac| among the units that can move, at the free equilibrium of the first example; None for
        spiking units and behind amplifiers.
    active
        By layer: the fraction of units that can move.
    residual, converged
        The largest remaining rate of change at the end of the free phase, and whether it is below the tolerance.
    kinks
        Units of a batch that are clipped, and that nothing presses there: their gradient is one-sided.
    rbp
        The nudged phase beside recurrent backpropagation, for falling betas; empty if it was not asked for.
    """

    network: str
    substrate: str
    hardware: str | None
    learning: str
    variant: str
    beta: float
    projections: dict[str, Projection]
    cosine: float
    errors: dict[float, float]
    bias_slope: float | None
    suggested_beta: float
    variance: float
    margin: float
    asymmetry: float | None
    active: dict[str, float]
    residual: float
    converged: bool
    kinks: int = 0
    rbp: tuple[Trajectory, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; nan and infinity as None."""
        return _plain(asdict(self))

    @property
    def zero(self) -> bool:
        """Whether there is no gradient: every unit on the way to the outputs is stuck."""
        return all(np.isnan(each.cosine) for each in self.projections.values())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
