"""What the compiled engine takes: dense projections, phases of so many steps, the plain update.

Of anything else a sentence says that it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from neuroeq.describe.network import mask
from neuroeq.describe.spec import Network, NeuronModel
from neuroeq.errors import SpecError

from ..assembly import time_step
from ..plasticity.plan import native_names
from ..strength import reads_strength
from .updates import unsupported_synapses

RANDOM = re.compile(r"\b(rand|randn|poisson|binomial|xi\w*)\b")


def check_compilable(network: Network) -> None:
    """Refuse a network that the compiled engine cannot train.

    Parameters
    ----------
    network
        Resolved.

    Raises
    ------
    SpecError
        If it asks for something that only the stepper does; the message says what.
    """
    for reason in _reasons(network):
        raise SpecError(f"{network.where}: {reason}, which the compiled engine does not do; use --engine stepper.")


def compilable(network: Network) -> bool:
    """Whether the compiled engine can train a resolved network on neurons."""
    return next(_reasons(network), None) is None


def _reasons(network: Network) -> Iterator[str]:
    phases, training = network.phases, network.training
    if training.learning == "contrastive" and training.rule != "ep":
        yield f"training.rule is '{training.rule}'"
    if training.update != "after_phases":
        yield f"training.update is '{training.update}'"
    if training.step.kind != "gradient":
        yield f"training.step.kind is '{training.step.kind}'"
    for name in ("momentum", "l1", "prune"):
        if getattr(training, name):
            yield f"training.{name} is set"
    if network.nudge != "state":
        yield f"phases.nudge is '{network.nudge}'"
    if phases.cost != "squared_error":
        yield f"phases.cost is '{phases.cost}'"
    if phases.persistent:
        yield "phases.persistent is true"
    for name, phase in (("free", phases.free), ("nudged", phases.nudged)):
        if phase.tolerance is not None:
            yield f"phases.{name}.tolerance ends a phase early"
    if network.neuron(network.input_layer) is not None:
        yield f"layer '{network.input_layer}' has an encoder"
    for name in native_names(network):
        yield f"projections.{name} runs as Brian2 Synapses"
    for name in network.projections:
        if mask(network, name) is not None:
            yield f"projections.{name} leaves out connections"
        if network.synapse(name).diffusive:
            yield f"projections.{name} transmits differences"
    for layer in network.layers:
        model = network.neuron(layer)
        if model is not None and RANDOM.search(_text(model)):
            yield f"neuron '{model.name}' of layer '{layer}' draws random numbers as it runs"
        if model is not None and reads_strength(model):
            yield f"neuron '{model.name}' of layer '{layer}' reads the sum of its weights"
    yield from unsupported_synapses(network, time_step(network))


def _text(model: NeuronModel) -> str:
    return "\n".join((model.equations, model.after_step, model.threshold or "", model.reset or ""))
