"""The order in which Brian2 runs the objects of a simulation, within a step and from phase to phase.

start              the drive of every layer, the nudge, and the activity before the step
groups             the integration of all units
after_thresholds   the spikes of the step
end                factors of plasticity, what synapses make of them, and weights that change at every step
"""

from __future__ import annotations

from collections.abc import Callable

from neuroeq.errors import EquationError, SpecError

from .assembly import Assembly
from .brian import brian
from .plasticity.learning import Learning
from .recording import Monitors
from .stepper import Reference, Stepper

ENGINES = {"stepper": Stepper, "compiled": Stepper, "reference": Reference}
Call = Callable[[], None]


def check_engine(engine: str) -> None:
    """Refuse an engine that does not exist.

    Raises
    ------
    SpecError
        If there is no engine of that name; the message lists those that there are.
    """
    if engine not in ENGINES:
        raise SpecError(f"engine is '{engine}'; expected {' or '.join(map(repr, ENGINES))}.")


def schedule(
    engine: str,
    where: str,
    assembly: Assembly,
    learning: Learning,
    monitors: Monitors | None,
    calls: tuple[Call, Call | None, Call],
) -> Stepper:
    """Hand all objects to Brian2, which prepares them, and return what advances them.

    Parameters
    ----------
    engine
        A name in `ENGINES`.
    where
        The file of the network, for messages.
    assembly
        The Brian2 objects of the network.
    learning
        The plastic synapses of the network.
    monitors
        The monitors that record states and spikes; None for no recording.
    calls
        Functions that run at the start of every step, after thresholds, and at the end of a step in plastic phases. The
        second is None where no unit spikes.

    Raises
    ------
    EquationError
        If Brian2 cannot prepare the equations; the message names the file of the model.
    """
    b2, clock = brian(), assembly.clock
    begin_step, gather_spikes, end_step = calls
    gather = [b2.NetworkOperation(gather_spikes, clock=clock, when="after_thresholds")] if gather_spikes else []
    begin = b2.NetworkOperation(begin_step, clock=clock, when="start", order=-1)
    learn = b2.NetworkOperation(learning.step, clock=clock, when="end", order=1)
    end = b2.NetworkOperation(end_step, clock=clock, when="end", order=3)
    recording = monitors.objects if monitors else []
    plastic = [learn, end, *learning.objects, *(monitors.learning if monitors else [])]
    objects = [
        begin,
        *gather,
        learn,
        end,
        *(population.group for population in assembly.populations),
        *(synapses.group for synapses in learning.stepwise),
        *(native.synapses for native in assembly.natives),
        *recording,
    ]
    never = [population.expose for population in assembly.populations if population.expose is not None]
    try:
        return ENGINES[engine](objects, clock, plastic, recording, never)
    except b2.BrianObjectException as error:
        reason = " ".join(str(error.__cause__ or error).split())
        named = [p.model.where for p in assembly.populations if f"'{p.group.name}_" in str(error)]
        raise EquationError(f"{named[0] if named else where}: Brian2 cannot prepare its equations: {reason}") from error
