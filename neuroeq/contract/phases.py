"""What a phase takes and returns: a cost, a nudge, a stopping criterion, and an equilibrium."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

Array = np.ndarray
Params = dict[str, Array]
"""Parameters by name: weights of a projection (n_pre, n_post), and biases ``"<layer>.bias"`` (n,)."""


class OnDevices(dict[str, Array]):
    """Parameters, with the conductances of the devices that hold them.

    Parameters
    ----------
    params
        The parameters, by name.
    conductances
        The conductances by array of devices: (devices of a weight, n_pre, n_post), or (devices, n) for biases; 0 where
        there is no synapse. [S]
    gains
        The factors that compensate drift, by array: one for all of what its devices give, or one for each column,
        (n_post,). They are part of the parameters, and not of the conductances.
    """

    def __init__(
        self, params: Params, conductances: Mapping[str, Array], gains: Mapping[str, Array] | None = None
    ) -> None:
        super().__init__(params)
        self.conductances, self.gains = dict(conductances), dict(gains or {})


NudgeMode = Literal["state", "held_current", "clamp", "corrected"]
NUDGES: tuple[NudgeMode, ...] = ("state", "held_current", "clamp", "corrected")
"""The modes of a nudge; no substrate supports all of them."""
FOLLOWING: tuple[NudgeMode, ...] = ("state", "corrected")
"""The modes whose pull follows the outputs. It adds beta times the curvature of the cost to that of the energy, so only
these nudges have a stability margin: a current or a level that is held leaves the curvature as it is."""


class Cost(Protocol):
    """A cost of the outputs."""

    def value(self, outputs: Array, targets: Array) -> Array:
        """Return the cost of each sample: (batch,)."""
        ...

    def gradient(self, outputs: Array, targets: Array) -> Array:
        """Return dC/doutputs: (batch, n_output); of complex outputs its analytic continuation."""
        ...


@dataclass(frozen=True)
class Nudge:
    """A pull of the outputs towards lower cost.

    Parameters
    ----------
    beta
        The signed strength: dimensionless for neurons, a conductance in circuits.
    targets
        What the outputs are pulled towards: (batch, n_output).
    cost
        The cost whose gradient is the pull.
    mode
        ``state``: -beta dC/ds at every instant, in a circuit a conductance beta to the target; ``held_current``:
        the pull at `reference`, held constant; ``clamp``: outputs held at a fraction beta of the way to the target;
        ``corrected``: as ``state``, and every unit also gets the non-reciprocal correction -(Jac - Jac^T)(s - s0).
    reference
        The free equilibrium s0, which every mode but ``state`` needs.
    """

    beta: float
    targets: Array
    cost: Cost
    mode: NudgeMode = "state"
    reference: Equilibrium | None = None


@dataclass(frozen=True)
class Stop:
    """The stopping criterion of a relaxation.

    Parameters
    ----------
    steps
        The largest number of steps.
    tolerance
        The relaxation ends earlier, as soon as the residual is below this; None to take all steps.
    every
        The number of steps between two checks of the residual.
    judged
        Whether the residual at the end is wanted if there is no tolerance; if not, a substrate that would have to
        compute it for this alone gives nan.
    """

    steps: int
    tolerance: float | None = None
    every: int = 20
    judged: bool = True


@dataclass(frozen=True)
class Equilibrium:
    """The state in which a substrate settled, and how well it settled.

    Parameters
    ----------
    state
        The state variable of each layer: (batch, n).
    outputs
        What the cost reads: (batch, n_output).
    residual
        The largest remaining rate of change, times the time constant; nan if it was not wanted, see `Stop`.
    converged
        Whether the residual is below the tolerance (1e-3 if none was asked for).
    n_steps
        The number of steps that were taken.
    resume
        All that the substrate needs to go on from here (states, traces, phases); pass it as `start`.
    activity
        What each layer sends to the others, clamped inputs included: (batch, n).
    spikes
        The number of spikes during the relaxation, per sample; None where units do not spike.
    """

    state: Mapping[str, Array]
    outputs: Array
    residual: float
    converged: bool
    n_steps: int
    resume: Any
    activity: Mapping[str, Array]
    spikes: float | None = None
