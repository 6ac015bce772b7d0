"""Whether the times of a network make sense together: steps, time constants, phases and delays."""

from __future__ import annotations

from neuroeq.errors import SpecError
from neuroeq.units import KINDS, physical, si, text_of

from .spec import Network, NeuronModel
from .spec.recipe import Relaxation

ROUNDING = 0.2
"""The largest part of a phase by which it may differ from a whole number of steps."""


def time_step(network: Network) -> float | None:
    """Return the length of an integration step of a resolved network [s]; None where no model is integrated."""
    if network.physics.dt is not None:
        return network.physics.dt
    models = [network.neuron(layer) for layer in network.layers] if network.kind.models else []
    return min((model.dt for model in models if model is not None), default=None)


def seconds_of(relaxation: Relaxation, dt: float | None) -> float:
    """Return how long a phase lasts, where a step is `dt` [s] long. [s]."""
    return relaxation.n_steps(1.0) * (dt or 0.0) if relaxation.counted else si(relaxation.duration, "a time")


def check_times(network: Network) -> None:
    """Refuse steps that are too long for a phase or for a neuron, and delays that nothing outlasts.

    Parameters
    ----------
    network
        The network, resolved for its substrate.

    Raises
    ------
    SpecError
        If a step is longer than a phase, or longer than the two time constants up to which Euler steps are stable; if
        a phase is far from a whole number of steps; if a time constant is not positive; or if a delay is longer than
        the free phase.
    """
    dt = time_step(network)
    if dt is None or not network.kind.models:
        return
    for phase in ("free", "nudged"):
        _check_phase(network, phase, dt)
    for layer in network.layers:
        model = network.neuron(layer)
        if model is not None:
            _check_time_constant(network, layer, model, dt)
    free = seconds_of(network.phases.free, dt)
    for name, projection in network.projections.items():
        if projection.delay is not None and projection.delay > free:
            raise SpecError(
                f"{network.where}: projections.{name}.delay is {text_of(projection.delay, 's')}, longer than the free "
                f"phase of {text_of(free, 's')}, so that nothing would arrive in it; expected a shorter delay."
            )


def _check_phase(network: Network, phase: str, dt: float) -> None:
    relaxation: Relaxation = getattr(network.phases, phase)
    if relaxation.counted:
        return
    length = seconds_of(relaxation, dt)
    if dt > length * (1 + 1e-9):
        raise SpecError(
            f"{network.where}: dt is {text_of(dt, 's')}, longer than phases.{phase}.duration of "
            f"'{relaxation.duration}'; expected a dt of which many fit into the phase."
        )
    steps = length / dt
    if steps < 100 and abs(round(steps) - steps) > ROUNDING * steps:
        raise SpecError(
            f"{network.where}: phases.{phase}.duration is '{relaxation.duration}', and {round(steps)} steps of dt "
            f"{text_of(dt, 's')} last {text_of(round(steps) * dt, 's')}; expected a whole number of steps."
        )


def _check_time_constant(network: Network, layer: str, model: NeuronModel, dt: float) -> None:
    value = model.parameters.get(model.time_constant)
    tau = None if value is None else physical(str(value))
    if tau is None or tau.dimension != KINDS["a time"]:
        return
    where = f"{network.where}: layers.{layer}: parameters.{model.time_constant} of '{model.name}' is '{value}'"
    if tau.value <= 0:
        raise SpecError(f"{where}; expected a time above 0.")
    if model.method == "euler" and dt > 2 * tau.value * (1 + 1e-9):
        raise SpecError(
            f"{where}, and dt is {text_of(dt, 's')}; Euler steps longer than twice a time constant grow without bound, "
            f"so expected a dt of at most {text_of(2 * tau.value, 's')}."
        )
