"""Neuron and synapse models: differential equations in Brian2 syntax, and how the engine reads them."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from neuroeq.units import KINDS, physical, text_of

from .base import Described, Rate, Spec, Time
from .code import Equations, Expression, Identifier, Quantity, Refractory, Start, Statements
from .transmission import DIFFERENCE, Part, sent, transmitted

RANDOM = re.compile(r"\b(rand|randn|poisson|binomial|xi\w*)\b")
"""Functions of Brian2 that draw random numbers."""
DIFFERENTIAL = re.compile(r"^\s*d\w+/dt\s*=", re.MULTILINE)


class Bounds(Spec):
    """An interval that a variable is clipped to after every step.

    Parameters
    ----------
    min, max
        Limits, as numbers or as strings with units; with one left out the interval has no limit on that side.
    """

    min: Quantity | None = None
    max: Quantity | None = None


class NeuronModel(Described):
    """A neuron as differential equations.

    The equations may use these variables, which the engine provides: ``drive`` (the input through the synapses),
    ``bias``, ``nudge`` (``-beta dC/dreadout`` on output units in the nudged phase, 0 elsewhere), ``spike`` (for spiking
    neurons, the unit's own spike of the last step), ``unit`` (the index of the unit in its layer, from 0), ``outgoing``
    (the sum of its weights to free units), ``incoming_clamped`` (the sum of its weights from the inputs, plus its
    bias), and Brian2's ``t`` and ``dt``, where ``t`` counts from the start of the free phase.

    Parameters
    ----------
    emits
        Whether its synapses receive an activity at every step (``"rate"``), or spikes (``"spikes"``).
    equations
        The differential equations, in Brian2 syntax.
    state
        The variable that settles; the residual is its remaining rate of change.
    activity
        What the unit transmits: an expression, between 0 and 1 for bounded units, or a table of named components, which
        are variables of their names in the equations. A clamped input sends its value as the first of them.
    readout
        The variable that the cost reads at output units; the activity if left out, unless that has components.
    time_constant
        The parameter that sets the time scale of the residual, or ``dt``.
    bounds
        Intervals by variable; each variable is clipped to its interval after every step.
    after_step
        Brian2 statements that run after the integration and the clipping of each step.
    threshold
        When a neuron spikes, as an expression.
    reset
        Statements that run at a spike; nothing is reset if left out.
    refractory
        How long a neuron cannot spike after a spike: a time, or an expression of Brian2, of a time or of whether the
        neuron is refractory.
    unit_rate
        The firing rate that counts as activity 1, such as ``"1 kHz"``; a spike every step if left out. [Hz]
    method
        Name of the integration method in Brian2, such as ``"euler"``.
    dt
        Length of the integration step. [s]
    parameters
        Constants of the equations, by name.
    initial
        Start values by variable: numbers, strings with units, or ``uniform(low, high)``; a variable that is left out
        starts at 0. A variable that is ``(constant)`` is drawn once for each unit, from the seed of the run, and is
        the same in all samples and batches.
    """

    emits: Literal["rate", "spikes"]
    equations: Equations
    state: Identifier
    activity: Expression | Annotated[dict[Identifier, Expression], Field(min_length=1)]
    readout: Identifier | None = None
    time_constant: Identifier = "tau"
    bounds: dict[Identifier, Bounds] = {}
    after_step: Statements = ""
    threshold: Expression | None = None
    reset: Statements | None = None
    refractory: Refractory | None = None
    unit_rate: Annotated[Rate, Field(gt=0)] | None = None
    method: Identifier = "euler"
    dt: Time = Field(gt=0)
    parameters: dict[Identifier, Quantity] = {}
    initial: dict[Identifier, Start] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.emits == "spikes" and not self.threshold:
            raise ValueError("a neuron that emits spikes needs a threshold")
        if self.emits == "rate" and (self.threshold or self.reset or self.refractory or self.unit_rate):
            raise ValueError(
                "a neuron that emits its rate has no threshold, reset, refractory or unit_rate; "
                "set emits = 'spikes' or leave them out"
            )
        if self.vector and (self.emits == "spikes" or self.readout is None):
            missing = "sends spikes" if self.emits == "spikes" else "has no readout"
            raise ValueError(
                f"its activity has the components {', '.join(self.components)}, and it {missing}; "
                "expected emits = 'rate' and the variable that the cost reads as its readout"
            )
        if self.time_constant not in {"dt", *self.parameters}:
            raise ValueError(
                f"time_constant is '{self.time_constant}'; expected dt or one of the parameters: "
                f"{', '.join(self.parameters) or 'there are none'}"
            )
        scale = physical(str(self.parameters.get(self.time_constant, "0 s")))
        if scale.dimension == KINDS["a time"] and 0 < 2 * scale.value < self.dt:
            raise ValueError(
                f"dt is {text_of(self.dt, 's')}, more than twice the time constant "
                f"{self.time_constant} = {self.parameters[self.time_constant]}, so that steps grow without bound; "
                "expected a shorter dt"
            )
        return self

    @property
    def code(self) -> str:
        """All that runs as it is simulated: its equations, its statements and its expressions."""
        parts = (self.equations, self.after_step, self.threshold, self.reset, self.refractory)
        return "\n".join(filter(None, (*parts, *self.components.values())))

    @property
    def vector(self) -> bool:
        """Whether its activity has several components."""
        return not isinstance(self.activity, str)

    @property
    def phase(self) -> bool:
        """Whether its state is a phase: it has no other, and sends a vector of it."""
        return self.vector and self.n_states == 1

    @property
    def components(self) -> dict[str, str]:
        """The components of what it transmits, by name; a number alone is ``activity``."""
        return {"activity": self.activity} if isinstance(self.activity, str) else self.activity

    @property
    def n_states(self) -> int:
        """The number of its differential equations."""
        return len(DIFFERENTIAL.findall(self.equations))

    @property
    def random(self) -> bool:
        """Whether it draws random numbers as it runs."""
        return RANDOM.search(self.code) is not None

    @property
    def observed(self) -> str:
        """The expression that the cost reads: the readout if there is one, else the activity."""
        return self.readout or next(iter(self.components.values()))

    @property
    def bounded(self) -> bool:
        """Whether the activity stays in an interval, so that no nudge can drive it to infinity.

        That of a phase does, whose components are functions of an angle.
        """
        interval = self.bounds.get(self.state)
        clipped = interval is not None and interval.min is not None and interval.max is not None
        return clipped or self.emits == "spikes" or self.phase


class Term(Spec):
    """One product of a presynaptic and a postsynaptic factor.

    Parameters
    ----------
    on
        When the term acts: at every step, or at the spikes of one side; the spike is then that side's factor.
    pre, post
        The two factors: expressions of the variables of the neuron on that side, of its traces, and of ``activity``,
        ``activity_before`` and ``activity_mid`` (the activity after, before and midway through the step),
        ``activity_rate`` (the change of the activity over the step, after clipping, divided by dt) and ``spike``.
    """

    on: Literal["step", "pre_spike", "post_spike"] = "step"
    pre: Expression | None = None
    post: Expression | None = None

    @model_validator(mode="after")
    def _factors(self) -> Self:
        present = {side for side in ("pre", "post") if getattr(self, side) is not None}
        needed = {"step": {"pre", "post"}, "pre_spike": {"post"}, "post_spike": {"pre"}}[self.on]
        if present != needed:
            raise ValueError(
                f"acts on '{self.on}' and has {_list(present)}; expected {_list(needed)}, "
                "because a spike is its own side's factor"
            )
        return self

    @property
    def factors(self) -> tuple[str, str]:
        """The presynaptic and the postsynaptic expression."""
        return self.pre or "spike", self.post or "spike"


class SynapseModel(Described):
    """A synapse as differential equations: what it transmits, which traces it keeps, and how its weight changes.

    Parameters
    ----------
    transmission
        What the synapse adds to the postsynaptic ``drive``: ``w*activity_pre``, ``w*spike_pre``, or, as through a
        resistor, ``w*(activity_pre - activity_post)``; between units with components x and y, ``w`` times a sum of
        products such as ``x_pre*y_post``. The sum of w x_pre alone is the unit's ``drive_x``.
    feedback
        What a synapse whose weight serves both directions transmits against its own; the same if left out. The weight
        then learns the product of what is sent forward and what is sent back.
    equations
        Brian2 equations of the synapse. They contain ``ddw/dt``, the rate at which the change ``dw`` of the weight
        grows. They may use ``hebb`` (the sum of the plasticity terms, averaged over the batch) and ``gain`` (1/beta;
        half of it, with the sign of the nudge, in centred nudging; 0 outside the nudged phase).
    plasticity
        The terms that ``hebb`` is the sum of.
    traces
        Brian2 equations of the traces that each neuron keeps for this synapse, driven by its ``spike``.
    on_pre, on_post
        Raw Brian2 statements that run at presynaptic and at postsynaptic spikes. A model with such statements, or with
        a ``(summed)`` drive in its equations, runs as native Brian2 Synapses, with one copy for each sample of the
        batch; it has no plasticity terms.
    parameters
        Constants of the equations, traces and terms, by name.
    """

    transmission: Expression | None = None
    feedback: Expression | None = None
    equations: Equations = ""
    plasticity: tuple[Term, ...] = ()
    traces: Equations = ""
    on_pre: Statements = ""
    on_post: Statements = ""
    parameters: dict[Identifier, Quantity] = {}

    @property
    def random(self) -> bool:
        """Whether it draws random numbers as it runs."""
        factors = [factor for term in self.plasticity for factor in term.factors]
        return RANDOM.search("\n".join((self.equations, self.traces, self.on_pre, self.on_post, *factors))) is not None

    @property
    def native(self) -> bool:
        """Whether the model runs as Brian2 Synapses instead of as matrix products."""
        return self.transmission is None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raw = bool(self.on_pre or self.on_post or "(summed)" in self.equations)
        if self.native and not raw:
            raise ValueError(
                "transmission is missing; expected 'w*activity_pre' or 'w*spike_pre', "
                "or on_pre statements that change drive_post"
            )
        if not self.native and raw:
            raise ValueError(
                "has both a transmission and raw Brian2 statements (on_pre, on_post or a summed drive); keep one"
            )
        if self.native and (self.plasticity or self.traces):
            raise ValueError(
                "has plasticity terms or traces beside raw Brian2 statements; write them as statements too"
            )
        if self.transmission is not None:
            transmitted(self.transmission)
        if self.feedback is not None and (len(self.parts) != 1 or len(self.sent_back) != 1):
            raise ValueError(
                f"feedback is '{self.feedback}' and transmission '{self.transmission}'; expected one product in each"
            )
        return self

    @property
    def parts(self) -> tuple[Part, ...]:
        """The products that it transmits; none for a native model."""
        return () if self.transmission is None else transmitted(self.transmission)

    @property
    def sent_back(self) -> tuple[Part, ...]:
        """The products that it transmits against its direction, if its weight serves both."""
        return self.parts if self.feedback is None else transmitted(self.feedback)

    @property
    def met(self) -> dict[str, str]:
        """What learning multiplies, by what is sent forward: the components of the postsynaptic activity."""
        if self.feedback is None:
            return {name: name for name in sent(self.parts)}
        return dict(zip(sent(self.parts), sent(self.sent_back), strict=True))

    @property
    def diffusive(self) -> bool:
        """Whether it transmits in proportion to the difference between its two ends, as a resistor does."""
        return self.parts == DIFFERENCE

    @property
    def transmits(self) -> Literal["rate", "spikes"]:
        """Whether it carries rates or spikes; a native model carries spikes if it has statements at them."""
        spikes = self.parts == (Part("spike"),) if self.parts else bool(self.on_pre)
        return "spikes" if spikes else "rate"


def _list(sides: set[str]) -> str:
    return " and ".join(sorted(sides, reverse=True)) or "neither pre nor post"
