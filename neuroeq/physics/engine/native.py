"""Native couplings: a projection as Brian2 Synapses, one copy of every synapse for each sample of the batch.

For synapse models that are raw Brian2 statements, and for delays. The weights of the copies are set at the start of a
phase; each sample changes its own copy of dw, and the change of the phase is the mean over the batch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from neuroeq.describe.spec import Network, SynapseModel

from .brian import brian, explained, quantity
from .plasticity.accumulator import Plasticity
from .population import Population

Array = np.ndarray


class Receivers:
    """The variables that a native projection delivers its drive into, at either end.

    Parameters
    ----------
    name
        Name of the projection.
    network
        The network, resolved for its substrate.
    """

    def __init__(self, name: str, network: Network) -> None:
        model, projection = network.synapse(name), network.projections[name]
        how = "summed" if "(summed)" in model.equations else "events"
        self._ends = {"pre": projection.source, "post": projection.target}
        self._how = {"pre": how if _two_way(network, name) else "ignored", "post": how}
        self.variable = {"pre": f"back_{name}", "post": f"from_{name}"}

    def of(self, layers: Collection[str]) -> dict[str, str]:
        """Return the variables that a population of these layers must have, and how they are filled."""
        return {self.variable[side]: self._how[side] for side, layer in self._ends.items() if layer in layers}


class NativeProjection:
    """A projection that runs as Brian2 Synapses.

    Parameters
    ----------
    name
        Name of the projection.
    network
        The network, resolved for its substrate.
    pre, post
        The populations of its ends.
    edges
        Indices of the connected pairs: (n_edges,) each.
    receivers
        The variables that its drive is delivered into.
    dtype
        Precision of its variables.
    """

    def __init__(
        self,
        name: str,
        network: Network,
        pre: Population,
        post: Population,
        edges: tuple[Array, ...],
        receivers: Receivers,
        dtype: type,
    ) -> None:
        projection, model = network.projections[name], network.synapse(name)
        self.name, self._edges = name, edges
        self._shape = (pre.layers[projection.source], post.layers[projection.target])
        names = {f"drive_{side}": f"{variable}_{side}" for side, variable in receivers.variable.items()}
        on_pre, on_post = _statements(model, _two_way(network, name))
        own = model.equations if model.native else ""
        with explained(model.where):
            self.synapses = brian().Synapses(
                pre.group,
                post.group,
                _substitute(f"{own}\nw : 1\ngain : 1 (shared)", names),
                on_pre=_substitute(on_pre, names) or None,
                on_post=_substitute(on_post, names) or None,
                method="euler",
                namespace={
                    "spike_value": pre.spike_value,
                    **{key: quantity(value) for key, value in model.parameters.items()},
                },
                dtype=dtype,
                clock=pre.group.clock,
                name=f"projection_{name}",
            )
        if self.synapses.state_updater is not None:
            self.synapses.state_updater.when, self.synapses.state_updater.order = "end", 2
        samples = np.arange(pre.batch)[:, None]
        self.synapses.connect(
            i=(pre.start(projection.source) + samples * self._shape[0] + edges[0]).ravel(),
            j=(post.start(projection.target) + samples * self._shape[1] + edges[1]).ravel(),
        )
        for pathway in self.synapses._pathways:
            if projection.delay is not None:
                pathway.delay = projection.delay * brian().second
        self._copies = (pre.batch, len(edges[0]))

    def prepare(self) -> None:
        """Look up the arrays of the variables, which Brian2 has created by now."""
        variables = self.synapses.variables
        self.arrays = {
            name: variables[name].get_value()
            for name, equation in self.synapses.equations.items()
            if equation.type != "subexpression"
        }
        if "lastupdate" in variables:
            self.arrays["lastupdate"] = variables["lastupdate"].get_value()
        self._gain = self.arrays.pop("gain")
        self._queues = [pathway.queue for pathway in self.synapses._pathways if pathway.queue is not None]
        self._empty = [queue._full_state() for queue in self._queues]

    def hold(self, weight: Array) -> None:
        """Set the weights of every copy to `weight`, (n_pre, n_post)."""
        self.arrays["w"].reshape(self._copies)[:] = weight[self._edges]

    def reset(self) -> None:
        """Drop spikes that are still on their way, and reset all variables but the weights."""
        for queue, empty in zip(self._queues, self._empty, strict=True):
            queue._restore_from_full_state(empty)
        for name, array in self.arrays.items():
            if name != "w":
                array.fill(0)

    def save(self) -> tuple[dict[str, Array], list[Any]]:
        """Return a copy of the state, with the spikes that are still on their way."""
        arrays = {name: array.copy() for name, array in self.arrays.items() if name != "w"}
        return arrays, [queue._full_state() for queue in self._queues]

    def restore(self, saved: tuple[dict[str, Array], list[Any]]) -> None:
        """Set the synapses to a saved state."""
        for name, array in saved[0].items():
            self.arrays[name][:] = array
        for queue, state in zip(self._queues, saved[1], strict=True):
            queue._restore_from_full_state(state)

    def start(self, plasticity: Plasticity | None) -> None:
        """Begin a phase in which the synapses may change, or may not if `plasticity` is None."""
        self._gain[:] = plasticity.gain if plasticity else 0.0
        if "dw" in self.arrays:
            self.arrays["dw"].fill(0)

    def finish(self, plasticity: Plasticity, m: int) -> None:
        """Add the mean change over the first `m` samples to the accumulator, and start again at zero."""
        if "dw" not in self.arrays:
            return
        change = np.zeros(self._shape, self.arrays["dw"].dtype)
        change[self._edges] = self.arrays["dw"].reshape(self._copies)[:m].mean(axis=0)
        plasticity.into.add(self.name, change)
        self.arrays["dw"].fill(0)


def _two_way(network: Network, name: str) -> bool:
    """Whether one synapse serves both directions; lateral pairs have a synapse each."""
    projection = network.projections[name]
    return network.symmetric(name) and projection.source != projection.target


def _statements(model: SynapseModel, symmetric: bool) -> tuple[str, str]:
    """Return what happens at the spikes of either side; a dense model that runs natively only transmits."""
    if model.native:
        return model.on_pre, model.on_post
    return "drive_post += w*spike_value", "drive_pre += w*spike_value" if symmetric else ""


def _substitute(text: str, names: Mapping[str, str]) -> str:
    from brian2.utils.stringtools import word_substitute

    return word_substitute(text, names)
