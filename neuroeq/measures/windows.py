"""The window of a plasticity rule: the change of a weight by one pair of spikes, measured by simulation.

    K(delta) = dw after a presynaptic spike at t and a postsynaptic one at t + delta, and no other spikes

The phase has gain 1, and a spike counts as activity 1 for 1 ms. The synapse is directed. One weight that serves both
directions gets the mean of the changes in both directions, which is the even part (K(delta) + K(-delta))/2; for
classical pair STDP that is 0.

A rule that is a total derivative, such as d(r_pre r_post)/dt, has no window in the long run: K = 0 once the traces have
decayed. It works only if phases end before that, so the change is also measured with a phase that ends at the later
spike.

Measured in the tissue by Bi & Poo 1998, J. Neurosci. 18:10464, doi:10.1523/JNEUROSCI.18-24-10464.1998; found in
pre times d(post)/dt by Bengio et al. 2017, Neural Comput. 29:555, doi:10.1162/NECO_a_00934.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np

from neuroeq.contract import Stop
from neuroeq.describe.catalog import load_model, resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.spec import Network, SynapseModel, validate
from neuroeq.errors import SpecError
from neuroeq.physics.engine import Accumulator, Plasticity, Simulation
from neuroeq.units import KINDS, physical, text_of

Array = np.ndarray

FILTER = 10e-3
"""The time constant of the filter that turns spikes into an activity, for rules that read one [s]."""
RANGE, SETTLED = 5, 10
"""How far the window reaches, and when all traces have decayed, in multiples of the longest time constant."""
STEPS = 60
"""The number of steps in the shortest time constant."""
PAIRS = 100
"""The number of pairs of spikes on either side of delta = 0."""
WEIGHT = 0.5
"""The weight of every synapse, for rules that read it."""

MOMENT = "last - spacing*clip(order*(unit - pairs), 0, pairs)"
"""The time at which a unit spikes: the later one of every pair at `last`, the other one |delta| before it."""


@dataclass(frozen=True)
class Window:
    """Weight change against the time between two spikes.

    Parameters
    ----------
    synapse
        The name of the synapse model.
    title
        The title of the synapse model.
    delta
        The time between the two spikes, t_post - t_pre: (n,) [s].
    change
        The weight change once all traces of the pair have decayed: (n,).
    at_spike
        The weight change if the phase ends one step after the later spike: (n,).
    """

    synapse: str
    title: str
    delta: Array
    change: Array
    at_spike: Array

    @cached_property
    def even(self) -> Array:
        """The change of a weight that serves both directions: (n,)."""
        return (self.change + self.change[::-1]) / 2


def measure(synapse: str) -> Window:
    """Measure the window of a synapse model.

    The pairs of spikes share one simulation: unit j of either layer spikes once, delta_j apart from the other one, and
    the window is the diagonal of the change of the weights between them.

    Parameters
    ----------
    synapse
        A model with plasticity terms, by name or path. They may read its traces, spikes, and an activity that follows
        the spikes through an exponential filter of 10 ms.

    Raises
    ------
    NeuroeqError
        If there is no such model, it has no plasticity terms, or they read what these units do not have.
    """
    model = load_model(SynapseModel, synapse)
    if not model.plasticity:
        raise SpecError(
            f"{model.where}: has no plasticity terms, so there is no window; expected a model with [[plasticity]]."
        )
    times = _time_constants(model)
    dt = min(times) / STEPS
    every = ceil(RANGE * max(times) / PAIRS / dt - 1e-9)
    last = PAIRS * every + 1
    network = _network(synapse, model, dt, every, last)
    simulation = Simulation(network, 1, target="numpy")
    at_spike, change = (
        _change(simulation, network, steps) for steps in (last + 2, last + ceil(SETTLED * max(times) / dt))
    )
    return Window(model.name, model.title, (np.arange(2 * PAIRS + 1) - PAIRS) * every * dt, change, at_spike)


def _time_constants(model: SynapseModel) -> list[float]:
    """Return the time constants that shape the window [s]."""
    values = [physical(value) for value in model.parameters.values() if isinstance(value, str)]
    times = [value.value for value in values if value.dimension == KINDS["a time"] and value.value > 0]
    reads_activity = any("activity" in factor for term in model.plasticity for factor in term.factors)
    return [*times, FILTER] if reads_activity or not times else times


def _change(simulation: Simulation, network: Network, steps: int) -> Array:
    into, rng = Accumulator(simulation.operators), np.random.default_rng(0)
    params = initial_params(network, rng)
    simulation.relax(params, np.zeros((1, 1)), None, None, Stop(steps), Plasticity(into, 1.0), None, rng)
    return np.diag(into.take()["pair"]).copy()


def _network(synapse: str, model: SynapseModel, dt: float, every: int, last: int) -> Network:
    """Return a network of two layers whose units spike at fixed times, and the directed projection between them."""
    n = 2 * PAIRS + 1
    held = {"scheme": "constant", "gain": WEIGHT}
    return resolve(
        validate(
            Network,
            {
                "title": "pairs of spikes",
                "data": {"name": "xor"},
                "layers": {
                    "input": {"size": 1, "role": "input"},
                    "pre": {"size": n, "bias": False, "parameters": {"order": 1.0}},
                    "post": {"size": n, "bias": False, "role": "output", "parameters": {"order": -1.0}},
                },
                "projections": {
                    "input_pre": {"source": "input", "target": "pre", "learning_rate": 0.0},
                    "pair": {
                        "source": "pre",
                        "target": "post",
                        "directed": True,
                        "learning_rate": 1.0,
                        "initial": held,
                    },
                },
                "phases": {"beta": 1.0, "free": {"duration": "1 steps"}, "nudged": {"duration": "1 steps"}},
                "training": {"epochs": 1, "batch_size": 1},
                "substrate": {
                    "spiking" if model.transmits == "spikes" else "rate": {
                        "neuron": _timed(model.transmits, dt, every, last),
                        "synapse": synapse,
                    }
                },
            },
            synapse,
        )
    )


def _timed(emits: str, dt: float, every: int, last: int) -> dict[str, Any]:
    """Return a neuron model whose units spike once, each at its own time, whatever their drive is."""
    now = f"abs(t - ({MOMENT})) < dt/2"
    spikes = {"threshold": now, "reset": "rate += 0", "unit_rate": "1 kHz"}
    arriving = "spike" if emits == "spikes" else f"int({now})*one/dt"
    return {
        "title": "unit that spikes once",
        "emits": emits,
        "equations": f"drate/dt = ({arriving} - rate)/tau : 1",
        "state": "rate",
        "activity": "rate",
        "dt": text_of(dt, "s"),
        "parameters": {
            "tau": text_of(FILTER, "s"),
            "last": text_of(last * dt, "s"),
            "spacing": text_of(every * dt, "s"),
            "one": "1 ms",
            "pairs": PAIRS,
            "order": 1.0,
        },
        **(spikes if emits == "spikes" else {}),
    }
