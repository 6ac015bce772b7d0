"""What a network needs before anything of it is built: memory and steps, and whether they are within reach.

Memory is estimated from below, by what every engine keeps: the weights a few times over, the state of each unit for
each sample of a batch, for Brian2's own synapses one copy for each sample, and generated examples. Steps are those of
one phase, and of all phases of a training whose epochs have a single batch each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from neuroeq.errors import SpecError

from .network import nodes, shape
from .spec import Network
from .spec.graph import Connect
from .times import seconds_of, time_step

COPIES = 4
"""How many arrays of the shape of the weights a training keeps at least: parameters, held ones, changes, updates."""
VARIABLES = 8
"""How many values a simulated unit keeps at least, for each sample."""
SYNAPSE = 40
"""What a synapse of Brian2 needs at least: two indices, a weight and its change, and the tables of its ends. [bytes]"""
LONGEST_PHASE = 1_000_000
"""The largest number of steps in a phase."""
LONGEST_RUN = 10_000_000_000
"""The largest number of steps in a training: more than a day at ten microseconds each."""


def check_reach(network: Network) -> None:
    """Refuse a network that needs more memory than the machine has, or more steps than anyone waits for.

    Parameters
    ----------
    network
        The network, resolved for its substrate.

    Raises
    ------
    SpecError
        If it needs too much; the message names the setting to lower.
    """
    _check_steps(network)
    needs = sorted(memory_of(network), reverse=True)
    needed, available = sum(each for each, _ in needs), memory_of_machine()
    if needed > available:
        raise SpecError(
            f"{network.where}: needs at least {needed / 1e9:,.0f} GB of memory, and this machine has "
            f"{available / 1e9:,.0f} GB; lower {needs[0][1]}."
        )


def memory_of(network: Network) -> Iterator[tuple[float, str]]:
    """Yield what parts of a network need at least [bytes], each with the setting that asks for most of it."""
    item = 4 if network.physics.precision == "float32" else 8
    batch = network.training.batch_size
    for name, projection in network.projections.items():
        n_pre, n_post = shape(network, name)
        largest = max((projection.source, projection.target), key=lambda layer: network.layers[layer].size)
        yield COPIES * item * n_pre * n_post, _size(network, largest)
        if network.kind.models and (projection.delay is not None or network.synapse(name).native):
            synapses = n_pre * n_post * _density(projection.connect, n_pre * n_post)
            yield SYNAPSE * batch * synapses, _size(network, largest)
    for layer in network.layers:
        size = nodes(network, layer)
        name = f"training.batch_size ({batch})" if batch > size else _size(network, layer)
        yield VARIABLES * item * batch * size, name
    inputs = network.layers[network.input_layer].size
    yield 8 * network.data.samples * inputs, f"data.samples ({network.data.samples})"


def memory_of_machine() -> float:
    """Return the memory of this machine. [bytes]."""
    return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")


def _check_steps(network: Network) -> None:
    dt, steps = time_step(network), {}
    for phase in ("free", "nudged"):
        relaxation = getattr(network.phases, phase)
        if not relaxation.counted and dt is None:
            continue
        exact = relaxation.n_steps(1.0) if relaxation.counted else seconds_of(relaxation, dt) / (dt or 1.0)
        if exact > LONGEST_PHASE:
            raise SpecError(
                f"{network.where}: phases.{phase}.duration is '{relaxation.duration}', {exact:.3g} steps; expected "
                f"{LONGEST_PHASE:,} at most, so shorten the phase or choose a longer dt."
            )
        steps[phase] = exact
    nudged = steps.get("nudged", 0) * (2 if network.phases.variant == "centred" else 1)
    total = network.training.epochs * (steps.get("free", 0) + nudged)
    if total > LONGEST_RUN:
        raise SpecError(
            f"{network.where}: training.epochs is {network.training.epochs}, at least {total:.3g} steps; expected "
            f"{LONGEST_RUN:,} at most, so train for fewer epochs."
        )


def _density(connect: Connect | None, pairs: int) -> float:
    """Return the fraction of the pairs of units that are connected."""
    if connect is not None and connect.edges is not None:
        return len(connect.edges) / pairs
    return 1.0 if connect is None or connect.probability is None else connect.probability


def _size(network: Network, layer: str) -> str:
    return f"layers.{layer}.size ({network.layers[layer].size})"
