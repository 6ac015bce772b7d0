"""Records of a phase: spikes, states and weight changes of the first samples of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuroeq.units import symbol_of

from .brian import brian
from .plasticity.stepwise import Stepwise
from .population import Population, dimension_of

Array = np.ndarray
MOST_SYNAPSES = 512
"""Synapses of a projection that are recorded, evenly spaced."""


@dataclass(frozen=True)
class Phase:
    """A recorded phase.

    Parameters
    ----------
    name
        ``"free"``, or ``"nudged"`` with its beta, such as ``"nudged +1"``.
    t
        Times of the states: (n_steps,). [s]
    states
        States by layer and variable: (n_steps, samples, n), each in its own unit.
    spikes
        Spikes by layer: their times [s], samples and units, (n_spikes,) each.
    change
        Change that some synapses have accumulated, by projection: (n_steps, n_chosen).
    units
        Units of the states' variables, as text.
    chosen
        The synapses in `change`, by projection, as (presynaptic, postsynaptic) units: (n_chosen, 2).
    """

    name: str
    t: Array
    states: Mapping[str, Mapping[str, Array]]
    spikes: Mapping[str, tuple[Array, Array, Array]]
    change: Mapping[str, Array]
    chosen: Mapping[str, Array]
    units: Mapping[str, str]


@dataclass
class Recording:
    """Phases, in the order they ran.

    Parameters
    ----------
    phases
        The recorded phases, which `relax(record=...)` appends to.
    outputs
        The outputs at the end of the free phase, (samples, n_output), where a whole trial was recorded.
    """

    phases: list[Phase] = field(default_factory=list)
    outputs: Array | None = None


class Monitors:
    """Brian2 monitors on a network, for the first samples of its batch.

    Parameters
    ----------
    populations, synapses
        The units and the synapses that are recorded.
    samples
        Number of samples that are recorded, the first ones of the batch.
    clock
        The clock of the network.
    """

    def __init__(self, populations: list[Population], synapses: list[Stepwise], samples: int, clock: Any) -> None:
        b2 = brian()
        self._samples, self._dt = samples, float(clock.dt)
        self._populations = populations
        self._states: list[Any] = []
        self._spikes: list[Any] = []
        self._changes = {}
        for population in populations:
            group = population.group
            watched = sorted({population.model.state, population.activity, population.readout})
            self._states.append(
                b2.StateMonitor(
                    group, watched, population.first(samples), name=f"{group.name}_states", **_at_end(clock)
                )
            )
            spiking = population.model.emits == "spikes"
            self._spikes.append(b2.SpikeMonitor(group, name=f"{group.name}_spikes") if spiking else None)
        for plastic in synapses:
            step = max(1, plastic.group.N // MOST_SYNAPSES)
            some, name = np.arange(0, plastic.group.N, step), f"{plastic.group.name}_changes"
            monitor = b2.StateMonitor(plastic.group, "dw", some, name=name, **_at_end(clock))
            self._changes[plastic.name] = (monitor, plastic.shape)
        self._seen = self._counts()

    @property
    def objects(self) -> list[Any]:
        """All monitors, as Brian2 objects."""
        changes = [monitor for monitor, _ in self._changes.values()]
        return [monitor for monitor in (*self._states, *self._spikes, *changes) if monitor is not None]

    @property
    def learning(self) -> list[Any]:
        """The monitors that run in plastic phases only."""
        return [monitor for monitor, _ in self._changes.values()]

    def collect(self, name: str) -> Phase:
        """Return the records since the last call, as a phase of that name."""
        seen, self._seen = self._seen, self._counts()
        states: dict[str, dict[str, Array]] = {}
        spikes: dict[str, tuple[Array, Array, Array]] = {}
        times = np.empty(0)
        for index, population in enumerate(self._populations):
            monitor = self._states[index]
            begin, first_spike = seen.states[index], seen.spikes[index]
            times = np.array(monitor.t_)[begin:] + self._dt
            ends = np.cumsum([self._samples * size for size in population.layers.values()])
            for (layer, size), end in zip(population.layers.items(), ends, strict=True):
                states[layer] = {
                    variable: np.array(getattr(monitor, f"{variable}_"))[
                        end - self._samples * size : end, begin:
                    ].T.reshape(-1, self._samples, size)
                    for variable in monitor.record_variables
                }
            if self._spikes[index] is not None:
                spikes |= self._spikes_of(index, first_spike)
        change = {key: np.array(monitor.dw_)[:, seen.changes[key] :].T for key, (monitor, _) in self._changes.items()}
        chosen = {
            key: np.stack(np.unravel_index(monitor.record, shape), axis=1)
            for key, (monitor, shape) in self._changes.items()
        }
        units = {
            variable: symbol_of(dimension_of(population.group, variable))
            for population, monitor in zip(self._populations, self._states, strict=True)
            for variable in monitor.record_variables
        }
        return Phase(name, times, states, spikes, change, chosen, units)

    def _spikes_of(self, index: int, begin: int) -> dict[str, tuple[Array, Array, Array]]:
        monitor, population = self._spikes[index], self._populations[index]
        times, units = np.array(monitor.t_)[begin:], np.array(monitor.i)[begin:]
        spikes = {}
        for layer, size in population.layers.items():
            start = population.start(layer)
            inside = (units >= start) & (units < start + self._samples * size)
            local = units[inside] - start
            spikes[layer] = (times[inside], local // size, local % size)
        return spikes

    def _counts(self) -> _Counts:
        return _Counts(
            [len(monitor.t) for monitor in self._states],
            [0 if monitor is None else monitor.num_spikes for monitor in self._spikes],
            {key: len(monitor.t) for key, (monitor, _) in self._changes.items()},
        )


@dataclass(frozen=True)
class _Counts:
    """The number of entries in each monitor."""

    states: list[int]
    spikes: list[int]
    changes: dict[str, int]


def _at_end(clock: Any) -> dict[str, Any]:
    """Return when a monitor runs: after everything else of a step, so that it holds what the step led to."""
    return {"clock": clock, "when": "end", "order": 9}
