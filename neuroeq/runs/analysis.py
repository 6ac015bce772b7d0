"""The records of a run: phases on one time axis, spikes and states by layer, settling times; no simulator is run."""

from __future__ import annotations

import numpy as np

from neuroeq.describe.network import initial_params, mask
from neuroeq.errors import SpecError
from neuroeq.learning.state import State
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.circuits.layout import in_siemens
from neuroeq.physics.substrates.pairs import pair_of
from neuroeq.randomness import Streams

from .records.recorded import Sample as Sample
from .records.recorded import Segment as Segment
from .records.recorded import read_samples, read_segments
from .run import Run

Array = np.ndarray


def segments(run: Run, when: str = "after") -> list[Segment]:
    """Return the recorded phases of a few samples, one after the other.

    Parameters
    ----------
    run
        The finished run whose records are read.
    when
        When they were recorded: ``"before"`` or ``"after"`` training.

    Raises
    ------
    SpecError
        If nothing was recorded at that time.
    """
    return read_segments(run.folder, when)


def samples(run: Run) -> list[Sample]:
    """Return the samples that are recorded: their index, class and predictions."""
    return read_samples(run.folder)


def state_of(run: Run, layer: str) -> str:
    """Return the name of the recorded variable that settles: the state of the neuron model, or a node voltage."""
    model = run.network.neuron(layer)
    return "v" if run.network.kind.on_devices or model is None else model.state


def conductances(run: Run, when: str = "after") -> dict[str, Array]:
    """Return the conductances of the devices, by projection; those of a crossbar are stacked as pairs [S].

    Parameters
    ----------
    run
        The run of a network on a circuit.
    when
        When to take them: ``"before"`` or ``"after"`` training.

    Raises
    ------
    SpecError
        If the run has no devices.
    """
    network = run.network
    if not network.kind.on_devices:
        raise SpecError(f"{run.path}: substrate '{network.substrate_name}' has no conductances; plot its weights.")
    streams = Streams(network.run.seed)
    state = run.folder.load() if when == "after" else State(initial_params(network, streams.child("init")))
    params = WeightStore.of(network, state, streams).held
    if network.kind.conductances:
        return in_siemens(network, params)
    pairs = {name: pair_of(network.array(name), params, name, mask(network, name)) for name in network.projections}
    return {name: np.stack(pair) for name, pair in pairs.items()}


def weight_history(run: Run) -> tuple[Array, dict[str, Array]]:
    """Return the times at which weights were sampled, in epochs (n,), and the weights by projection (n, n_synapses)."""
    with run.folder.traces() as file:
        weights = file["weights"]
        return weights["at"][:], {name: weights[name][:] for name in weights if name != "at"}


def settling_time(run: Run, tolerance: float = 0.01, relative: bool = False) -> float | None:
    """Return how long the outputs took, in the recorded free phase, to stay within `tolerance` of where they ended.

    Parameters
    ----------
    run
        The finished run whose records are read.
    tolerance
        The largest distance of an output from its last value, in the unit of the outputs.
    relative
        Whether `tolerance` is a fraction of the largest last output instead.

    Returns
    -------
    float or None
        The longest time among the recorded samples [s]; None if outputs still moved in the last step, or are not
        recorded.
    """
    free, output = segments(run)[0], run.network.output_layer
    if output not in free.states:
        return None
    model = run.network.neuron(output)
    names = (model.observed if model else "v", "readout", "activity")
    outputs = next(free.states[output][name] for name in names if name in free.states[output])
    tolerance = tolerance * float(np.abs(outputs[-1]).max()) if relative else tolerance
    away = np.abs(outputs - outputs[-1]).max(axis=(1, 2)) > tolerance
    if not away.any():
        return float(free.t[0] - free.start)
    last = int(np.flatnonzero(away)[-1])
    return None if last + 2 >= len(away) else float(free.t[last + 1] - free.start)
