"""What compiling a network saves, and what it costs: the choice between trainers is made by comparing the two.

    saved = batches * steps of a batch * (a + b * units in the batch)
    cost  = what the last library took to build, or to load it where it is there already

The numbers a and b are the CPU time that a step of the stepwise trainer takes longer than a compiled one, as measured
for networks of 12 to 26,000 units a batch; they are low rather than high, so that what is compiled pays.
"""

from __future__ import annotations

from collections.abc import Iterator

from neuroeq.describe.spec import Network
from neuroeq.physics.engine import time_step
from neuroeq.physics.engine.compiled import build_seconds, built, library_of
from neuroeq.physics.substrates import simulated

RATE, SPIKES = (12e-6, 2e-9), (20e-6, 6e-9)
"""Time that is saved in a step, and in a step by a unit, for units with rates and with spikes [s]."""


LOADING = 0.2
"""Time until a library that is there is found and loaded [s]."""


def drawback(network: Network, samples: int) -> str | None:
    """Return why compiling a network is not worth it for a training of some samples; None if it is."""
    saved = samples * saved_per_sample(network)
    if saved >= (cost := LOADING if saved < LOADING else cost_of(network)):  # to look for a library takes time too
        return None
    return f"it takes {cost:.2g} s to build or load, and saves {saved:.2g} s in a training of {samples:,} samples"


def drawbacks(network: Network, samples: int, target: str) -> Iterator[str]:
    """Yield a sentence if compiling takes longer than it saves, or if the user wants no compiler."""
    if sentence := drawback(network, samples):
        yield sentence
    if target == "numpy":
        yield "the target is 'numpy', which asks for no compiler"


def compile_network(network: Network, samples: int) -> None:
    """Compile the library of a network, unless it is compiled already.

    Raises
    ------
    SpecError
        If there is no compiler, or it fails.
    """
    library_of(simulated(network))


def pays_from(network: Network) -> int:
    """Return the number of samples of a training from which compiling a network is worth it."""
    return round(cost_of(network) / saved_per_sample(network))


def cost_of(network: Network) -> float:
    """Return how long it takes until a network is compiled [s], or loaded if it is already."""
    return LOADING if built(simulated(network)) else build_seconds()


def saved_per_sample(network: Network) -> float:
    """Return the CPU time that compiling a network saves for each sample that is learned [s]."""
    dt, phases, batch = time_step(network), network.phases, network.training.batch_size
    nudged = 2 if phases.variant == "centred" else 1
    steps = phases.free.n_steps(dt) + nudged * phases.nudged.n_steps(dt)
    units = batch * sum(layer.size for layer in network.layers.values() if layer.role != "input")
    a, b = SPIKES if network.kind.spikes else RATE
    return steps * (a + b * units) / batch
