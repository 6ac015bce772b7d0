"""How a network is trained: its phases, the cost that nudges it, the learning rule and the schedule."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from neuroeq.contract import NudgeMode
from neuroeq.errors import SpecError
from neuroeq.registry import COSTS, RULES
from neuroeq.units import si

from .base import Count, Fraction, Positive, Spec

NudgeName = NudgeMode

_STEPS = re.compile(r"([1-9][0-9]{0,17}) steps?")


class Relaxation(Spec):
    """How long a phase lasts.

    Parameters
    ----------
    duration
        A time, such as ``"50 ms"``, or a number of steps, such as ``"20 steps"``.
    tolerance
        The phase stops early, as soon as the residual is below this value; it never does if left out.
    """

    duration: str
    tolerance: Positive | None = None

    @field_validator("duration")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if _STEPS.fullmatch(value):
            return value
        try:
            if si(value, "a time") > 0:
                return value
        except SpecError:
            pass
        raise ValueError(f"is '{value}'; expected a time, such as '50 ms', or a number of steps, such as '20 steps'")

    @property
    def counted(self) -> bool:
        """Whether the duration is a number of steps."""
        return _STEPS.fullmatch(self.duration) is not None

    def n_steps(self, dt: float) -> int:
        """Return the duration as a number of steps of length `dt` [s]."""
        steps = _STEPS.fullmatch(self.duration)
        return int(steps[1]) if steps else max(1, round(si(self.duration, "a time") / dt))


class Phases(Spec):
    """The free phase and the nudged phases.

    Parameters
    ----------
    variant
        Which nudged phases there are. ``positive``: one at +beta; ``negative``: one at -beta; ``random_sign``: one at
        either, drawn for each batch; ``centred``: both, each from the free state, and half their difference counts.
    beta
        Strength of the nudge, a positive number.
    free, nudged
        How long the free phase and each nudged phase last.
    cost
        The cost C that the nudge lowers. ``squared_error``: 1/2 |output - target|^2; ``cross_entropy``:
        -log softmax(outputs/temperature) of the class; or the name of a cost that a user has registered.
    temperature
        Temperature of the softmax; outputs between 0 and 1 need one well below 1.
    nudge
        How the outputs are nudged. ``state``: by the pull -beta dC/ds of every instant, in a circuit by a conductance
        beta to the target; ``held_current``: by the pull at the free equilibrium, held constant; ``clamp``: by holding
        the outputs at a fraction beta of the way from the free equilibrium to the target; ``corrected``: as ``state``,
        with the non-reciprocal correction at every unit. If left out, the learning rule decides.
    points
        Number of points of holomorphic nudging, on a circle of radius beta in the complex plane.
    persistent
        Whether each training example starts from its last free state, epoch after epoch, instead of from rest; not with
        images that ``data.augment`` changes in between.
    """

    variant: Annotated[
        Literal["positive", "negative", "random_sign", "centred"],
        BeforeValidator(lambda value: "centred" if value == "centered" else value),
    ] = "centred"
    beta: Positive
    free: Relaxation
    nudged: Relaxation
    cost: Annotated[str, AfterValidator(COSTS.check)] = "squared_error"
    temperature: Positive = 1.0
    nudge: Annotated[
        NudgeName | None,
        BeforeValidator(lambda value: "state" if value == "conductance" else value),
    ] = None
    points: Annotated[int, Field(ge=2)] = 4
    persistent: bool = False


class _Warmed(Spec):
    """The base class of schedules, which all may start with small learning rates.

    Parameters
    ----------
    warmup
        Factors of the learning rates in the first epochs, beside those of the schedule; there are none after these.
    """

    warmup: tuple[Annotated[float, Field(gt=0, le=1)], ...] = ()


class Constant(_Warmed):
    """A schedule that keeps the learning rates of the file throughout."""

    kind: Literal["constant"] = "constant"


class Exponential(_Warmed):
    """A schedule that multiplies the learning rates by ``factor`` after every epoch.

    Parameters
    ----------
    factor
        What learning rates are multiplied by.
    """

    kind: Literal["exponential"]
    factor: Annotated[float, Field(gt=0, le=1)]


class Steps(_Warmed):
    """A schedule that multiplies the learning rates by ``factor`` after each of the listed ``epochs``.

    Parameters
    ----------
    epochs
        The epochs, counted from 1, after which learning rates change.
    factor
        What learning rates are multiplied by.
    """

    kind: Literal["steps"]
    epochs: tuple[Count, ...]
    factor: Annotated[float, Field(gt=0, le=1)]


class Cosine(_Warmed):
    """A schedule that lowers the learning rates along half a cosine, down to the fraction ``final`` of their start.

    Parameters
    ----------
    final
        Learning rates at the end, as a fraction of those at the start.
    """

    kind: Literal["cosine"]
    final: Fraction = 0.0


Schedule = Annotated[Constant | Exponential | Steps | Cosine, Field(discriminator="kind")]


class Gradient(Spec):
    """Weights move by their learning rate times the change that the rule asks for."""

    kind: Literal["gradient"] = "gradient"


class Sign(Spec):
    """Weights move by their learning rate up or down, or not at all: sign and ternary updates.

    Parameters
    ----------
    threshold
        Weights whose change is at most this large stay where they are.
    """

    kind: Literal["sign"]
    threshold: Annotated[float, Field(ge=0)] = 0.0


class Binary(Spec):
    """Weights have two values, +-a; a weight flips when its low-pass filtered change points the other way.

    Parameters
    ----------
    inertia
        Rate of the filter m <- (1 - inertia) m + inertia change.
    threshold
        A weight w flips when -sign(w) m is above this value.
    """

    kind: Literal["binary"]
    inertia: Annotated[float, Field(gt=0, le=1)]
    threshold: Annotated[float, Field(ge=0)]


Step = Annotated[Gradient | Sign | Binary, Field(discriminator="kind")]


class Prune(Spec):
    """Pruning: at each update, edges with small weights are removed at random and never come back.

    Parameters
    ----------
    below
        Largest size of a weight whose edge may be removed.
    temperature
        The temperature T of the probability exp(-|W|/T) of a removal, relative to the edges into the same unit.
    """

    below: Positive
    temperature: Positive


class Training(Spec):
    """The training recipe.

    Parameters
    ----------
    learning
        ``in_situ``: the synapses' own equations change the weights during the nudged phases; ``contrastive``: the
        equilibria of the phases are compared.
    rule
        The rule of contrastive learning. ``ep``: the difference of the energy gradients, for symmetric weights;
        ``vector_field``: presynaptic activity at the free equilibrium times the change of the postsynaptic state, for
        any weights; ``corrected_vector_field``: the same, under a nudge that corrects for the asymmetry;
        ``coupled_learning``: as ``ep``, with the outputs clamped part of the way to the target;
        ``contrastive_hebbian``: as ``ep``, with the outputs clamped at the target; ``holomorphic``: as ``ep``, with
        nudges around a circle in the complex plane.
    update
        ``after_phases``: the weights change once a batch; ``every_step``: they change at every step of the nudged
        phase, which needs in-situ learning, a single nudged phase, and no momentum.
    epochs
        Number of passes through the training examples.
    patience
        Training ends after so many epochs without a better validation error, or without a lower training loss where
        there is no validation part; it never ends early if left out.
    batch_size
        Number of examples in each update.
    step
        How the weights follow the change that the rule asks for; biases always follow the gradient.
    momentum
        Momentum of stochastic gradient descent; 0 for none.
    weight_decay
        What part of each weight is subtracted from the change that the rule asks for, before momentum and the learning
        rate, as in the SGD of the usual libraries: weights that nothing else moves shrink by the factor
        1 - learning_rate weight_decay in each update. It acts on projections that learn; biases do not decay.
    schedule
        How the learning rates change over the epochs.
    l1
        What every update subtracts from the size of each weight of the projections that learn; biases are not shrunk.
    prune
        When edges are removed; none are if left out.
    """

    learning: Literal["in_situ", "contrastive"] = "in_situ"
    rule: Annotated[str, AfterValidator(RULES.check)] = "ep"
    update: Literal["after_phases", "every_step"] = "after_phases"
    epochs: Count
    patience: Count | None = None
    batch_size: Annotated[Count, Field(le=100_000)]
    step: Step = Gradient()
    momentum: Fraction = 0.0
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Schedule = Constant()
    l1: float = Field(default=0.0, ge=0)
    prune: Prune | None = None

    def n_batches(self, n_examples: int) -> int:
        """Return how many batches, each of which is one update, an epoch of some examples has."""
        return -(-n_examples // self.batch_size)
