"""The report of `check`."""

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
        The cosine with the gradient by backpropagation through as many steps as the nudged phase has; None if there is
        no such gradient.
    finite_difference_error
        The largest difference of the gradient from finite differences on some entries, divided by its largest entry;
        None if no entry was checked.
    made_cosine
        The cosine of the gradient with what devices make of the update; None where devices hold what is written.
    """

    cosine: float
    norm_ratio: float
    sign_agreement: float
    bptt_cosine: float | None
    finite_difference_error: float | None
    made_cosine: float | None = None


@dataclass(frozen=True)
class Report:
    """The result of `check`.

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
    made_cosine
        The same of what devices make of the estimate; None where devices hold what is written.
    errors
        The error |estimate - gradient| / |gradient|, by beta.
    bias_slope
        The slope of log error over log beta at the three smallest betas; None if errors do not rise there.
    suggested_beta
        The beta with the least error; None if there is no error at any.
    variance
        The variance of the estimate over repeats, divided by its squared mean.
    margin
        The largest stable |beta| of a negative nudge.
    explanation
        A clause that points to the network's notes, if they explain why beta is beyond the margin.
    asymmetry
        |Jac - Jac^T| / |Jac| among the units that can move, at the free equilibrium of the first example; None for
        spiking units and behind amplifiers.
    active
        The fraction of units that can move, by layer.
    residual, converged
        The largest remaining rate of change at the end of the free phase, and whether it is below the tolerance.
    kinks
        The number of units of the batch that are clipped without a net drive, so that their gradient is one-sided.
    examples
        The number of examples in the update.
    passed_over
        The number of examples that were left out because they have no gradient.
    epoch
        The epoch after which the weights were checked, if it is not the last one of the run: there were too few
        examples with a gradient after it.
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
    suggested_beta: float | None
    variance: float
    margin: float
    asymmetry: float | None
    active: dict[str, float]
    residual: float
    converged: bool
    kinks: int = 0
    examples: int = 0
    passed_over: int = 0
    epoch: int | None = None
    made_cosine: float | None = None
    explanation: str = ""
    rbp: tuple[Trajectory, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values; nan and infinity become None."""
        return _plain(asdict(self))

    @property
    def beyond_margin(self) -> bool:
        """Whether a nudge of -beta, if there is one, is not stable."""
        return self.variant != "positive" and self.beta >= self.margin

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
