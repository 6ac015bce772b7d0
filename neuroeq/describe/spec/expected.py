"""The errors that runs of a network reach, which its file promises."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from neuroeq.registry import SUBSTRATES

from .base import Spec

SubstrateName = Annotated[str, AfterValidator(SUBSTRATES.check)]


class Expected(Spec):
    """The test error that a reproduction must reach, and how well its updates follow the gradient.

    Parameters
    ----------
    substrate
        The substrate that the run is made on.
    settings
        The values of ``--set`` in the run.
    hardware
        The value of ``--hardware`` in the run.
    test_error
        Median test error over the seeds, as a fraction.
    tolerance
        How far the test error of a single seed may be above the median, as a fraction.
    seeds
        The seeds that the median was measured with.
    source
        Who measured it, or the paper that reports it.
    published
        The paper's own figure, where there is one.
    cosine
        The least cosine of an update with the gradient, at the start weights and at the trained ones. It is near 1
        where the rule promises the gradient, and otherwise what the theory of the rule allows; None where there is no
        gradient to compare with.
    """

    substrate: SubstrateName
    settings: tuple[str, ...] = ()
    hardware: str | None = None
    test_error: float = Field(ge=0, le=1)
    tolerance: float = Field(ge=0, le=1)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    source: str
    published: str = ""
    cosine: float | None = Field(default=None, ge=-1, le=1)
