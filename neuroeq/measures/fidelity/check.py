"""`check`: compare one update of a substrate, at its own settings, with the gradient.

The gradient is computed by the adjoint method at the free equilibrium (for spiking units, at that of their rate
network), and checked by finite differences on a few entries. The errors at several betas show where bias, which grows
with beta, meets noise, which falls with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neuroeq.contract import NudgeMode, Params, Substrate
from neuroeq.describe.spec import Phases
from neuroeq.errors import NeuroeqError, SpecError
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Trial, Update, estimate
from neuroeq.randomness import Streams

from .agreement import compare, cosine, flat, sampled_entries, slope, variance
from .differences import finite_differences
from .free_phase import asymmetry, kinks, through_time
from .implicit import implicit_gradient
from .rbp import Trajectory, follow
from .report import Projection, Report
from .side import check_rates

Array = np.ndarray
BETAS = (0.125, 0.25, 0.5, 1.0, 2.0)
"""Factors of the network's beta at which errors are measured."""
FALLING = (1, 10, 100, 1000)
"""Divisors of the network's beta for the comparison with recurrent backpropagation."""
REPEATS = 3
"""Number of estimates on a substrate with noise, for their variance."""

__all__ = ["Projection", "Report", "check"]


def check(
    substrate: Substrate,
    inputs: Array,
    targets: Array,
    streams: Streams,
    reference: Substrate | None = None,
    rbp: bool = False,
    make: Callable[[Params], Params] | None = None,
) -> Report:
    """Compare one update of a substrate with the gradient, at the same parameters.

    Parameters
    ----------
    substrate
        The substrate with its parameters, built as plastic if it learns in situ.
    inputs, targets
        The batch: (batch, n_input) and (batch, n_output).
    streams
        The run's tree of random numbers.
    reference
        The substrate whose gradient the update is compared with, if it is not `substrate` itself: the rate network of
        spiking units, or the circuit with exact devices and converters.
    rbp
        Whether to run recurrent backpropagation beside the nudged phase.
    make
        Returns the change of the weights that devices make where a rule asks for one; None where these are the same.

    Raises
    ------
    SpecError
        If nothing learns.
    """
    network, reference = substrate.network, reference or substrate
    estimator = _estimator(substrate, inputs, targets, streams)
    repeats = [estimator(network.phases, repeat) for repeat in range(REPEATS if _noisy(substrate) else 1)]
    gradient = _of_learned(repeats[0].change, implicit_gradient(reference, inputs, targets), network.where)
    mean = {name: np.mean([each.change[name] for each in repeats], axis=0) for name in gradient}
    made = {} if make is None else make(mean)
    sampled = sampled_entries(gradient, streams)
    differences = finite_differences(reference, inputs, targets, sampled)
    unrolled = through_time(substrate, inputs, targets)
    errors = _errors(estimator, network.phases, gradient)
    free = repeats[0].free
    arrays: Any = (mean, gradient, unrolled, sampled, differences, made)
    return Report(
        network=network.name,
        substrate=network.substrate_name,
        hardware=network.made_of if network.kind.hardware else None,
        learning=network.training.learning,
        variant=network.phases.variant,
        beta=network.phases.beta,
        projections={name: compare(*(each.get(name) for each in arrays)) for name in gradient},
        cosine=cosine(flat(mean), -flat(gradient)),
        made_cosine=cosine(flat(made), -flat(gradient)) if made else None,
        errors=errors,
        bias_slope=slope(errors),
        suggested_beta=_best(errors),
        variance=variance([flat(each.change) for each in repeats]),
        margin=substrate.margin(free),
        asymmetry=asymmetry(reference, inputs),
        active={layer: moving for layer, (moving, _) in substrate.saturation(free).items()},
        residual=free.residual,
        converged=free.converged,
        kinks=kinks(reference, inputs),
        examples=len(inputs),
        rbp=_beside(substrate, inputs, targets) if rbp else (),
    )


def _of_learned(change: Params, gradient: Params, where: str) -> Params:
    """Return the gradient of the parameters that learn."""
    learned = {name: value for name, value in gradient.items() if name in change}
    if not learned:
        raise SpecError(f"{where}: all learning rates are 0, so there is no update; give one that is above 0.")
    return learned


def _estimator(
    substrate: Substrate, inputs: Array, targets: Array, streams: Streams
) -> Callable[[Phases, int], Update]:
    def compute(phases: Phases, repeat: int) -> Update:
        chosen, rng = nudges(phases, streams.child("check sign")), streams.child("check", repeat)
        return estimate(substrate, Trial.of(substrate, inputs, targets, chosen, rng, phases))

    return compute


def _beside(substrate: Substrate, inputs: Array, targets: Array) -> tuple[Trajectory, ...]:
    """Return the nudged phase beside recurrent backpropagation, for falling betas."""
    phases, steps = substrate.network.phases, substrate.stop(substrate.network.phases.nudged).steps
    check_rates(substrate.network)
    field = substrate.as_field()
    assert field is not None, "it is of rates"
    mode: NudgeMode = "corrected" if substrate.network.nudge == "corrected" else "state"
    return tuple(follow(field, inputs, targets, phases.beta / by, steps, mode) for by in FALLING)


def _errors(estimator: Callable[[Phases, int], Update], phases: Phases, gradient: Params) -> dict[float, float]:
    """Return the error of an estimate at each of `BETAS`, by beta."""
    errors = {}
    for factor in BETAS:
        at_beta = phases.model_copy(update={"beta": factor * phases.beta})
        errors[at_beta.beta] = _error(estimator, at_beta, gradient)
    return errors


def _best(errors: dict[float, float]) -> float | None:
    """Return the beta with the least error; None if there is no error at any."""
    return min((beta for beta in errors if np.isfinite(errors[beta])), key=errors.__getitem__, default=None)


def _error(estimator: Callable[[Phases, int], Update], phases: Phases, gradient: Params) -> float:
    """Return |estimate - gradient| / |gradient|; nan if the nudge is too strong for the substrate."""
    try:
        estimate = estimator(phases, 0).change
    except NeuroeqError:
        return float("nan")
    one, other = flat({name: estimate[name] for name in gradient}), -flat(gradient)
    size = float(np.linalg.norm(other))
    return float(np.linalg.norm(one - other)) / size if size else float("nan")


def _noisy(substrate: Substrate) -> bool:
    """Whether an update differs from one time to the next."""
    network = substrate.network
    if not network.kind.hardware:
        return substrate.spiking
    return network.technology.periphery.adc_noise_sd > 0 or network.technology.oscillators.phase_noise > 0
