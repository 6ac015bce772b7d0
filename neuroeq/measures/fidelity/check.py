"""`check`: one update of a substrate, at its own settings, against the gradient.

    cosine            estimate . gradient / (|estimate| |gradient|)
    norm ratio        |estimate| / |gradient|
    sign agreement    fraction of entries of the same sign, among those above a thousandth of the largest

The gradient is the adjoint's at the free equilibrium, of spiking units that of their rate network; finite differences
check it on a few entries. Errors over beta show where bias, which grows with beta, meets noise, which falls with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.spec import Phases
from neuroeq.errors import EquationError, NeuroeqError
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Lesson, Update, estimate
from neuroeq.physics.substrates import AnySubstrate, NeuronSubstrate, Resistive
from neuroeq.physics.substrates.stability import jacobian, margin, unclipped, unclipped_states
from neuroeq.randomness import Streams

from .bptt import backpropagate
from .differences import finite_differences
from .implicit import SETTLED, implicit_gradient
from .rbp import Trajectory, follow
from .side import check_rates

Array = np.ndarray
ENTRIES = 6
"""Of each parameter, for finite differences."""
BETAS = (0.125, 0.25, 0.5, 1.0, 2.0)
"""Times the network's beta."""
FALLING = (1, 10, 100, 1000)
"""By what the network's beta is divided beside recurrent backpropagation."""
AT_REST = 1e-9
"""Net drive below which nothing presses a unit."""
REPEATS = 3
"""Of a stochastic substrate."""
SMALL = 1e-3
"""Of the largest entry, below which signs are not counted."""


@dataclass(frozen=True)
class Projection:
    """How the estimate of one parameter array compares with its gradient.

    Parameters
    ----------
    cosine, norm_ratio, sign_agreement
        See above; nan where the gradient is zero.
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
        What was checked.
    beta
        The network's.
    projections
        By parameter.
    cosine
        Of all parameters together.
    errors
        By beta: |estimate - gradient| / |gradient|, with the norm of the estimate fitted where it is not the rates'.
    bias_slope
        Of log error over log beta, between the smallest betas whose error rises.
    suggested_beta
        With the least error.
    variance
        Of the estimate over repeats, over its squared mean.
    margin
        Largest stable |beta| of a negative nudge.
    asymmetry
        |Jac - Jac^T| / |Jac| among the units that can move, at the free equilibrium of the first example; None for
        spiking units and behind amplifiers.
    active
        By layer: the fraction of units that can move.
    residual, converged
        Of the free phase.
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


def check(
    substrate: AnySubstrate,
    inputs: Array,
    targets: Array,
    streams: Streams,
    reference: AnySubstrate | None = None,
    rbp: bool = False,
) -> Report:
    """Compare one update of a substrate with the gradient, at the same parameters.

    Parameters
    ----------
    substrate
        With its parameters, plastic if it learns in situ.
    inputs, targets
        (batch, n_input) and (batch, n_output).
    streams
        Of random numbers.
    reference
        Whose gradient it is compared with, where that is another: the rates of spiking units, the exact circuit of
        noisy devices and converters.
    rbp
        Whether to run recurrent backpropagation beside the nudged phase.
    """
    network = substrate.network
    reference = reference or substrate
    gradient = implicit_gradient(reference, inputs, targets)
    estimator = _estimator(substrate, inputs, targets, streams)
    repeats = [estimator(network.phases, repeat) for repeat in range(REPEATS if _noisy(substrate) else 1)]
    mean = {name: np.mean([each.change[name] for each in repeats], axis=0) for name in gradient}
    sampled = _sampled_entries(gradient, streams)
    differences = finite_differences(reference, inputs, targets, sampled)
    through_time = _through_time(substrate, inputs, targets)
    errors = {}
    for factor in BETAS:
        phases = network.phases.model_copy(update={"beta": factor * network.phases.beta})
        errors[phases.beta] = _error(estimator, phases, gradient)
    free = repeats[0].free
    return Report(
        network=network.name,
        substrate=network.substrate_name,
        hardware=network.hardware.name if network.hardware else None,
        learning=network.training.learning,
        variant=network.phases.variant,
        beta=network.phases.beta,
        projections={
            name: _compare(mean[name], gradient[name], through_time.get(name), sampled[name], differences[name])
            for name in gradient
        },
        cosine=_cosine(_flat(mean), -_flat(gradient)),
        errors=errors,
        bias_slope=_slope(errors),
        suggested_beta=min(errors, key=lambda beta: errors[beta] if np.isfinite(errors[beta]) else np.inf),
        variance=_variance([_flat(each.change) for each in repeats]),
        margin=margin(substrate, free),
        asymmetry=_asymmetry(reference, inputs),
        active={layer: moving for layer, (moving, _) in substrate.saturation(free).items()},
        residual=free.residual,
        converged=free.converged,
        kinks=_kinks(reference, inputs),
        rbp=_beside(substrate, inputs, targets) if rbp else (),
    )


def _estimator(
    substrate: AnySubstrate, inputs: Array, targets: Array, streams: Streams
) -> Callable[[Phases, int], Update]:
    def compute(phases: Phases, repeat: int) -> Update:
        chosen, rng = nudges(phases, streams.child("check sign")), streams.child("check", repeat)
        return estimate(substrate, Lesson.of(substrate, inputs, targets, chosen, rng, phases))

    return compute


def _sampled_entries(gradient: Params, streams: Streams) -> dict[str, Array]:
    """Choose entries whose gradient is not tiny: differences could not tell it."""
    rng, chosen = streams.child("check entries"), {}
    for name, value in gradient.items():
        size = np.abs(value).ravel()
        worth = np.flatnonzero(size > SMALL * size.max(initial=0))
        chosen[name] = rng.choice(worth, min(ENTRIES, len(worth)), replace=False) if len(worth) else worth
    return chosen


def _through_time(substrate: AnySubstrate, inputs: Array, targets: Array) -> Params:
    """Return the gradient through as many steps as the nudged phase has; empty where no steps can be gone back."""
    if not isinstance(substrate, NeuronSubstrate) or substrate.network.substrate_name not in ("rate", "crossbar"):
        return {}
    try:
        free = substrate.relax(inputs, stop=substrate.stop(substrate.network.phases.free))
        steps = substrate.stop(substrate.network.phases.nudged).steps
        return backpropagate(substrate, free, inputs, targets, steps).total
    except EquationError:
        return {}


def _beside(substrate: AnySubstrate, inputs: Array, targets: Array) -> tuple[Trajectory, ...]:
    phases, steps = substrate.network.phases, substrate.stop(substrate.network.phases.nudged).steps
    check_rates(substrate.network)
    assert isinstance(substrate, NeuronSubstrate)
    mode = substrate.network.nudge if substrate.network.nudge == "corrected" else "state"
    return tuple(follow(substrate, inputs, targets, phases.beta / by, steps, mode) for by in FALLING)


def _compare(
    estimate: Array, gradient: Array, through_time: Array | None, entries: Array, differences: Array
) -> Projection:
    descent, largest = -gradient.ravel(), float(np.abs(gradient).max(initial=0))
    told = np.abs(descent) > SMALL * largest
    signs = float((np.sign(estimate.ravel()[told]) == np.sign(descent[told])).mean()) if told.any() else float("nan")
    ratio = float(np.linalg.norm(estimate) / np.linalg.norm(descent)) if largest else float("nan")
    wrong = float(np.abs(gradient.ravel()[entries] - differences).max() / largest) if len(entries) else None
    unrolled = None if through_time is None else _cosine(estimate.ravel(), -through_time.ravel())
    return Projection(_cosine(estimate.ravel(), descent), ratio, signs, unrolled, wrong)


def _error(estimator: Callable[[Phases, int], Update], phases: Phases, gradient: Params) -> float:
    """Return |estimate - gradient| / |gradient|; nan where the nudge is beyond what the substrate bears."""
    try:
        estimate = estimator(phases, 0).change
    except NeuroeqError:
        return float("nan")
    one, other = _flat({name: estimate[name] for name in gradient}), -_flat(gradient)
    size = float(np.linalg.norm(other))
    return float(np.linalg.norm(one - other)) / size if size else float("nan")


def _slope(errors: dict[float, float]) -> float | None:
    """Return the slope over the smallest three betas, if errors rise there: else noise or settling, not bias."""
    betas = sorted(errors)[:3]
    values = [errors[beta] for beta in betas]
    if not (np.isfinite(values).all() and values[0] < values[1] < values[2]):
        return None
    return float(np.polyfit(np.log(betas), np.log(values), 1)[0])


def _variance(estimates: list[Array]) -> float:
    mean = np.mean(estimates, axis=0)
    size = float(mean @ mean)
    return float(np.mean([(each - mean) @ (each - mean) for each in estimates])) / size if size else float("nan")


def _asymmetry(substrate: AnySubstrate, inputs: Array) -> float | None:
    if isinstance(substrate, Resistive):
        return 0.0 if substrate.circuit.reciprocal else None
    if substrate.network.substrate_name not in ("rate", "crossbar"):
        return None
    free = substrate.relax(inputs, stop=substrate.stop(substrate.network.phases.free))
    moving = unclipped(substrate.network, free, 0)
    if not moving.any():
        return 0.0
    jac = jacobian(substrate, free, 0)[np.ix_(moving, moving)]
    return float(np.linalg.norm(jac - jac.T) / np.linalg.norm(jac))


def _kinks(substrate: AnySubstrate, inputs: Array) -> int:
    """Count clipped units with no net drive, of rates."""
    if not isinstance(substrate, NeuronSubstrate) or substrate.network.substrate_name not in ("rate", "crossbar"):
        return 0
    free = substrate.relax(inputs, stop=SETTLED)
    inside = unclipped_states(substrate.network, free)
    try:
        values = substrate.field_values(free)
        rates = {layer: field.functions[0](values[layer]) for layer, field in substrate.fields.items()}
    except EquationError:
        return 0
    return sum(int((~inside[layer] & (np.abs(rate) < AT_REST)).sum()) for layer, rate in rates.items())


def _noisy(substrate: AnySubstrate) -> bool:
    """Whether an update differs from one time to the next."""
    hardware = substrate.network.hardware
    return substrate.spiking or (hardware is not None and hardware.periphery.adc_noise_sd > 0)


def _cosine(one: Array, other: Array) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else float("nan")


def _flat(params: Params) -> Array:
    return np.concatenate([np.ravel(params[name]) for name in sorted(params)]).astype(float)


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
