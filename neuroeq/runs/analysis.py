"""The records of a run: phases on one time axis, spikes and states by layer, settling times; no simulator is run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroeq.describe.network import initial_params, mask
from neuroeq.errors import SpecError
from neuroeq.learning.state import State
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.circuits.layout import in_siemens
from neuroeq.physics.substrates.pairs import pair_of
from neuroeq.randomness import Streams

from .run import Run

Array = np.ndarray


@dataclass(frozen=True)
class Segment:
    """A recorded phase on the axis of simulated time.

    Parameters
    ----------
    name
        The name of the phase: ``"free"``, or ``"nudged"`` with its beta.
    start, end
        The times at which the phase starts and ends, on an axis where recorded phases follow each other [s].
    t
        The times of the recorded states, on that axis: (n_steps,) [s].
    states
        The recorded states, by layer and variable: (n_steps, samples, n).
    units
        The unit of each recorded variable, by its name.
    spikes
        The times on that axis [s], samples and units of all spikes, by layer.
    change
        The accumulated change of some synapses, by projection: (n_steps, n_chosen).
    """

    name: str
    start: float
    end: float
    t: Array
    states: dict[str, dict[str, Array]]
    units: dict[str, str]
    spikes: dict[str, tuple[Array, Array, Array]]
    change: dict[str, Array]

    @property
    def nudged(self) -> bool:
        """Whether the phase is a nudged one."""
        return self.name != "free"


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
    with run.folder.traces() as file:
        if f"probe/{when}" not in file:
            raise SpecError(
                f"{run.path}: nothing is recorded '{when}' training; expected {' or '.join(file['probe'])}."
            )
        phases, at = [], 0.0
        for index in sorted(file[f"probe/{when}"], key=int):
            group = file[f"probe/{when}/{index}"]
            t = group["t"][:]
            step = t[1] - t[0] if len(t) > 1 else t[0]
            shift = at - (t[0] - step)
            spikes = {
                layer: (each["t"][:] + step + shift, each["sample"][:], each["unit"][:])
                for layer, each in group.get("spikes", {}).items()
            }
            states = {
                layer: {name: values[:] for name, values in variables.items()}
                for layer, variables in group["states"].items()
            }
            units = {
                name: values.attrs["unit"]
                for variables in group["states"].values()
                for name, values in variables.items()
            }
            change = {name: values[:] for name, values in group.get("change", {}).items()}
            end = at + len(t) * step
            phases.append(Segment(group.attrs["name"], at, end, t + shift, states, units, spikes, change))
            at = end
    return phases


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
        The longest time among the recorded samples [s]; None if outputs still moved in the last step.
    """
    free, output = segments(run)[0], run.network.output_layer
    model = run.network.neuron(output)
    names = (model.observed if model else "v", "readout", "activity")
    outputs = next(free.states[output][name] for name in names if name in free.states[output])
    tolerance = tolerance * float(np.abs(outputs[-1]).max()) if relative else tolerance
    away = np.abs(outputs - outputs[-1]).max(axis=(1, 2)) > tolerance
    if not away.any():
        return float(free.t[0] - free.start)
    last = int(np.flatnonzero(away)[-1])
    return None if last + 2 >= len(away) else float(free.t[last + 1] - free.start)
