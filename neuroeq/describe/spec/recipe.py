"""How a network is trained: the phases, what the nudge pulls towards, the schedule."""

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

_STEPS = re.compile(r"([1-9]\d*) steps?")


class Relaxation(Spec):
    """How long a phase lasts.

    Parameters
    ----------
    duration
        A time, such as ``"50 ms"``, or a number of steps, such as ``"20 steps"``.
    tolerance
        Stop as soon as the residual is below it.
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
        """Whether it is a number of steps."""
        return _STEPS.fullmatch(self.duration) is not None

    def n_steps(self, dt: float) -> int:
        """Return the number of steps of length `dt` [s]."""
        steps = _STEPS.fullmatch(self.duration)
        return int(steps[1]) if steps else max(1, round(si(self.duration, "a time") / dt))


class Phases(Spec):
    """The free phase and the nudged phases.

    Parameters
    ----------
    variant
        ``positive``: +beta; ``negative``: -beta; ``random_sign``: either, drawn for each batch; ``centred``: both, each
        from the free state, and half the difference.
    beta
        Nudge strength.
    free, nudged
        How long they last.
    cost
        ``squared_error``: 1/2 |output - target|^2; ``cross_entropy``: -log softmax(outputs/temperature) of the class.
    temperature
        Of the softmax; outputs between 0 and 1 need one well below 1.
    nudge
        ``state``: the pull -beta dC/ds at every instant, in a circuit a conductance beta to the target;
        ``held_current``: the pull as it was at the free equilibrium, held; ``clamp``: outputs held at a fraction beta
        of the way from the free equilibrium to the target; ``corrected``: as ``state``, with the non-reciprocal
        correction at every unit. That of the rule, if left out.
    points
        Of holomorphic nudging, on a circle of radius beta in the complex plane.
    persistent
        Whether each training example goes on from its last free state, epoch after epoch, instead of from rest.
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


class Constant(Spec):
    """The learning rates of the file throughout."""

    kind: Literal["constant"] = "constant"


class Exponential(Spec):
    """Learning rates times ``factor`` after every epoch."""

    kind: Literal["exponential"]
    factor: Annotated[float, Field(gt=0, le=1)]


class Steps(Spec):
    """Learning rates times ``factor`` after each of ``epochs``."""

    kind: Literal["steps"]
    epochs: tuple[Count, ...]
    factor: Annotated[float, Field(gt=0, le=1)]


class Cosine(Spec):
    """Learning rates along half a cosine down to ``final`` of their start."""

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
        Changes up to that size are left alone.
    """

    kind: Literal["sign"]
    threshold: Annotated[float, Field(ge=0)] = 0.0


class Binary(Spec):
    """Weights are two-valued, +-a; one flips when its filtered change has asked for it for long.

    Parameters
    ----------
    inertia
        Of the filter m <- (1 - inertia) m + inertia change.
    threshold
        A weight flips when -sign(w) m is above it.
    """

    kind: Literal["binary"]
    inertia: Annotated[float, Field(gt=0, le=1)]
    threshold: Annotated[float, Field(ge=0)]


Step = Annotated[Gradient | Sign | Binary, Field(discriminator="kind")]


class Prune(Spec):
    """When edges go for good: at each update, with a chance, those whose weights are small.

    Parameters
    ----------
    below
        Size of a weight up to which its edge may go.
    temperature
        T of the chance exp(-|W|/T), relative to the edges into the same unit.
    """

    below: Positive
    temperature: Positive


class Training(Spec):
    """The recipe.

    Parameters
    ----------
    learning
        ``in_situ``: the synapses' own equations change them in the nudged phases; ``contrastive``: the difference of
        the energy gradients at the equilibria.
    rule
        Of contrastive learning. ``ep``: the difference of the energy gradients, for symmetric weights;
        ``vector_field``: presynaptic activity at the free equilibrium times the change of the postsynaptic state, for
        any weights; ``corrected_vector_field``: the same, under a nudge that corrects for the asymmetry;
        ``coupled_learning``: as ``ep``, with the outputs clamped on their way to the target; ``contrastive_hebbian``:
        clamped at the target; ``holomorphic``: as ``ep``, with nudges around a circle in the complex plane.
    update
        ``after_phases``: one commit a batch; ``every_step``: the weights move at every nudged step (in-situ, positive,
        negative or random sign, no momentum).
    epochs, batch_size
        As usual.
    step
        What a change does to the weights; biases always follow the gradient.
    momentum
        Of stochastic gradient descent.
    schedule
        Of the learning rates.
    l1
        What every update takes off the size of the weights of projections that learn; biases keep theirs.
    prune
        Removes their edges; none go, if left out.
    """

    learning: Literal["in_situ", "contrastive"] = "in_situ"
    rule: Annotated[str, AfterValidator(RULES.check)] = "ep"
    update: Literal["after_phases", "every_step"] = "after_phases"
    epochs: Count
    batch_size: Count
    step: Step = Gradient()
    momentum: Fraction = 0.0
    schedule: Schedule = Constant()
    l1: float = Field(default=0.0, ge=0)
    prune: Prune | None = None
