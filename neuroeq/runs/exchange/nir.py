"""A trained spiking network as a graph of the Neuromorphic Intermediate Representation (NIR), in SI units.

A neuron is a chain of filters, dx/dt = -x/tau + gain y + offset + k bias. The last one has the threshold and the reset:

    LI, LIF     tau dv/dt = v_leak - v + r I:         r = gain tau,  v_leak = (offset + k bias) tau
    CubaLIF     that, and tau_syn dI/dt = w_in S - I: w_in = gain_syn tau_syn, if neither offset nor bias act on I
    I, IF       dv/dt = r I:                          r = gain, and a constant input (offset + k bias)/gain, if any
    v_threshold and v_reset are the model's. A hard reset is that of LIF, CubaLIF and IF.

A soft reset v -> v + c is the loop  LI or I -> Threshold -> Scale -> LI or I,  whose Scale turns the spike into a pulse
of input in the next step, scale = c (1 - dt/tau)/(gain dt), after which v is what it is after a reset and a step.

Weights are (n_post, n_pre), and those that carry spikes are times what a spike counts, 1/(unit_rate dt). A projection
that acts in both directions is two Linear nodes. A step is forward Euler: each state from the states before the step.
Between layers spikes act in the next step, also where the graph has no cycle: metadata names these edges. `step_delays`
writes them out as Delay nodes where they lead forward, for readers that delay what runs against the order alone.

References
----------
Pedersen et al. 2024, Neuromorphic intermediate representation, Nature Communications 15:8122.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.describe.operators import operators
from neuroeq.describe.operators.biases import unit_biases
from neuroeq.describe.spec import Network, NeuronModel
from neuroeq.describe.spec.transmission import Part
from neuroeq.errors import SpecError
from neuroeq.physics.engine.assembly import check_models, time_step

from ..run import Run
from .filters import LEFT_OUT, Filter, chain

Array = np.ndarray
SCHEME = (
    "forward Euler with step dt: a state steps from its own value before the step and its input; an edge in 'delayed' "
    "carries what its source was at the end of the step before (in the first step the start value of a state, or no "
    "spike), any other edge what it is in this step; in CubaLIF, v reads the current before the step; then a spike "
    "where v > v_threshold, then the reset"
)


def nir(run: Run, leave_out: Sequence[str] = (), step_delays: bool = False) -> bytes:
    """Return the content of a NIR file: the trained network in its free phase.

    Parameters
    ----------
    run
        The run of a network of spiking neurons.
    leave_out
        What no primitive has and the file leaves out, and records: ``"bounds"`` of variables, ``"refractory"`` periods.
    step_delays
        Whether the step that spikes take from layer to layer is written as `Delay` nodes, where the order of the graph
        does not imply it.

    Raises
    ------
    SpecError
        If the network cannot be written with the primitives of NIR.
    """
    import nir as ir

    strange = sorted(set(leave_out) - set(LEFT_OUT))
    if strange:
        raise SpecError(f"leave_out has '{strange[0]}'; expected {' or '.join(map(repr, LEFT_OUT))}.")
    network = run.network
    if not (network.kind.spikes and network.kind.models):
        raise SpecError(
            f"{run.path}: substrate '{network.substrate_name}' sends no spikes, and clipped rate units have no "
            "primitive in NIR; export a run on 'spiking', or use --to npz."
        )
    check_models(network)
    content = BytesIO()
    ir.write(content, _Writer(ir, network, run.params, leave_out, step_delays).graph())  # type: ignore[arg-type]
    return content.getvalue()


def write(run: Run, file: Path, leave_out: Sequence[str] = (), step_delays: bool = False) -> dict[str, Any]:
    """Write the graph of `nir`, and return how many bytes it takes."""
    content = nir(run, leave_out, step_delays)
    file.write_bytes(content)
    return {"bytes": len(content)}


class _Writer:
    """Builds the graph of a network, node by node in the order of a step."""

    def __init__(
        self, ir: Any, network: Network, params: dict[str, Array], leave_out: Sequence[str], step_delays: bool
    ) -> None:
        self._ir, self._network, self._params = ir, network, params
        self._leave_out, self._step_delays = list(leave_out), step_delays
        self._dt, self._maps = time_step(network), operators(network)
        self._dtype = np.dtype(network.physics.precision)
        self._nodes: dict[str, Any] = {}
        self._edges: list[tuple[str, str]] = []
        self._delayed: list[tuple[str, str]] = []
        self._ends: dict[str, tuple[str, str]] = {}
        self._sent: dict[str, float] = {}
        self._left_out: dict[str, tuple[str, ...]] = {}

    def graph(self) -> Any:
        network, first = self._network, self._network.input_layer
        self._add("input", self._ir.Input(np.array([network.layers[first].size])))
        for layer in [first, *(name for name in network.layers if name != first)]:
            model = network.neuron(layer)
            self._ends[layer] = ("", "input") if model is None else self._units(layer, model)
            self._sent[layer] = 1.0 if model is None else 1 / ((model.unit_rate or 1 / self._dt) * self._dt)
        if network.neuron(first) is not None:
            self._connect("input", self._ends[first][0])
        for name in network.projections:
            self._projection(name)
        last = network.output_layer
        output = self._add("output", self._ir.Output(np.array([network.layers[last].size])))
        self._connect(self._ends[last][1], output)
        if self._step_delays:
            self._write_out_delays()
        return self._ir.NIRGraph(self._nodes, self._edges, self._metadata())

    def _units(self, layer: str, model: NeuronModel) -> tuple[str, str]:
        """Add the units of a layer; return the names of the node that takes their drive and the one that spikes."""
        units = chain(model, self._dt, self._leave_out)
        filters, last, self._left_out[layer] = list(units.filters), units.filters[-1], units.left_out
        into, before = "", ""
        merged = units.hard and len(filters) > 1 and last.tau is not None and not last.fresh and _plain(filters[-2])
        for each in filters[: -2 if merged else -1]:
            name = self._leaky(layer, each, model, units.units)
            self._follow(before, name, each)
            into, before = into or name, name
        if units.hard:
            name = self._spiking(layer, filters[-2] if merged else None, last, model, units)
            self._follow(before, name, filters[-2] if merged else last)
            return into or name, name
        name = self._leaky(layer, last, model, units.units)
        self._follow(before, name, last)
        spikes = self._add(f"{name}_threshold", self._ir.Threshold(self._full(layer, units.threshold)))
        self._connect(name, spikes)
        if units.reset:
            kept = 1 - (self._dt / last.tau if last.tau else 0.0)
            scale = self._ir.Scale(self._full(layer, units.reset * kept / (last.gain * self._dt)))
            back = self._add(f"{name}_reset", scale)
            self._connect(spikes, back, delayed=True)
            self._connect(back, name)
        return into or name, spikes

    def _follow(self, before: str, name: str, each: Filter) -> None:
        """Connect a filter with the one before it, if there is one."""
        if before:
            self._connect(before, name, delayed=not each.fresh)

    def _leaky(self, layer: str, each: Filter, model: NeuronModel, units: dict[str, str]) -> str:
        """Add a filter without a reset."""
        more = {"metadata": self._described(each, model, units)}
        if each.tau is None:
            name = self._add(f"{layer}_{each.name}", self._ir.I(self._full(layer, each.gain), **more))
            return self._with_constant(layer, each, name)
        own = self._full(layer, each.tau), self._full(layer, each.gain * each.tau), self._leak(layer, each)
        return self._add(f"{layer}_{each.name}", self._ir.LI(*own, **more))

    def _spiking(self, layer: str, synapse: Filter | None, last: Filter, model: NeuronModel, units: Any) -> str:
        """Add the filter with a hard reset, with the synaptic current before it, if there is one."""
        known = {"v_threshold": units.threshold, "v_reset": units.reset}
        more: dict[str, Any] = {name: self._full(layer, value) for name, value in known.items()}
        more["metadata"] = self._described(last, model, units.units)
        if last.tau is None:
            name = self._add(f"{layer}_{last.name}", self._ir.IF(self._full(layer, last.gain), **more))
            return self._with_constant(layer, last, name)
        more |= {"r": self._full(layer, last.gain * last.tau), "v_leak": self._leak(layer, last)}
        if synapse is None:
            return self._add(f"{layer}_{last.name}", self._ir.LIF(tau=self._full(layer, last.tau), **more))
        assert synapse.tau is not None
        more |= {"tau_mem": self._full(layer, last.tau), "tau_syn": self._full(layer, synapse.tau)}
        more["w_in"] = self._full(layer, synapse.gain * synapse.tau)
        start = {f"current_{key}": value for key, value in self._described(synapse, model, units.units).items()}
        more["metadata"] |= start
        return self._add(f"{layer}_{last.name}", self._ir.CubaLIF(**more))

    def _with_constant(self, layer: str, each: Filter, name: str) -> str:
        """Give units without a leak the constant part of their rate of change as an input."""
        constant = self._constant(layer, each) / each.gain
        if constant.any():
            weight = np.zeros((len(constant), self._network.layers[self._network.input_layer].size), self._dtype)
            affine = self._add(f"{name}_constant", self._ir.Affine(weight, constant.astype(self._dtype)))
            self._connect("input", affine)
            self._connect(affine, name)
        return name

    def _leak(self, layer: str, each: Filter) -> Array:
        return (self._constant(layer, each) * each.tau).astype(self._dtype)

    def _constant(self, layer: str, each: Filter) -> Array:
        """Return the constant rate of change of every unit of a layer: (n,)."""
        size = self._network.layers[layer].size
        biases = np.broadcast_to(unit_biases(self._maps, self._params, layer), (size,)).astype(float)
        return each.offset + each.bias * biases

    def _projection(self, name: str) -> None:
        """Add the weights of a projection, forward and, if it acts in both directions, back."""
        network, spec = self._network, self._network.projections[name]
        if network.synapse(name).parts != (Part("spike"),):
            raise SpecError(
                f"{network.synapse(name).where}: transmits more than a weight times spikes, which no primitive "
                "of NIR does; choose a synapse whose transmission is 'w*spike_pre'."
            )
        weight = self._maps[name].matrix(self._params[name])
        self._linear(f"w_{name}", spec.source, spec.target, weight.T, spec.delay)
        if network.symmetric(name) and spec.source != spec.target:
            self._linear(f"w_{name}_back", spec.target, spec.source, weight, spec.delay)

    def _linear(self, name: str, source: str, target: str, weight: Array, delay: float | None) -> None:
        """Add weights, (n_post, n_pre), between two layers."""
        sent, sender = self._sent[source], self._ends[source][1]
        scaled = np.ascontiguousarray(weight if sent == 1 else weight * sent, self._dtype)
        linear = self._add(name, self._ir.Linear(scaled))
        steps = round((delay or 0.0) / self._dt)
        if steps:
            late = self._add(f"{name}_delay", self._ir.Delay(self._full(source, steps * self._dt)))
            self._connect(late, linear)
        self._connect(sender, late if steps else linear, delayed=sender != "input")
        self._connect(linear, self._ends[target][0])

    def _write_out_delays(self) -> None:
        """Put a Delay of one step on the delayed edges that close no cycle in the order of the nodes."""
        place = {name: index for index, name in enumerate(self._nodes)}
        for edge in list(self._delayed):
            if not self._closes(edge, place):
                shape = self._nodes[edge[0]].output_type["output"]
                late = self._add(f"{edge[0]}_to_{edge[1]}", self._ir.Delay(np.full(shape, self._dt, self._dtype)))
                self._delayed.remove(edge)
                self._edges.remove(edge)
                self._edges += [(edge[0], late), (late, edge[1])]

    def _closes(self, edge: tuple[str, str], place: dict[str, int]) -> bool:
        """Whether the units that an edge leads to, past nodes without a state, stand no later than where it begins."""
        target = edge[1]
        while isinstance(self._nodes[target], self._ir.Linear | self._ir.Scale | self._ir.Delay):
            target = next(to for source, to in self._edges if source == target)
        return place[target] <= place[edge[0]]

    def _described(self, each: Filter, model: NeuronModel, units: dict[str, str]) -> dict[str, str]:
        """Return the name, the unit and the start value of a variable."""
        return {"variable": each.name, "unit": units[each.name], "initial": str(model.initial.get(each.name, 0))}

    def _metadata(self) -> dict[str, Any]:
        network = self._network
        return {
            "title": network.title,
            "units": "SI: times in seconds (s), variables in the base unit of metadata.unit of their node",
            "dt": self._dt,
            "scheme": SCHEME,
            "delayed": json.dumps(self._delayed),
            "order": json.dumps(list(self._nodes)),
            "emitters": json.dumps({layer: sends for layer, (_, sends) in self._ends.items()}),
            "spike": json.dumps(self._sent),
            "phase": "free",
            "left_out": json.dumps(self._left_out),
            "readout": json.dumps(self._readout()),
        }

    def _readout(self) -> dict[str, Any]:
        """Return what is read of the units of the output layer."""
        model = self._network.neuron(self._network.output_layer)
        assert model is not None
        return {"variable": model.observed, "equations": model.equations, "parameters": model.parameters}

    def _full(self, layer: str, value: float) -> Array:
        return np.full(self._network.layers[layer].size, value, self._dtype)

    def _add(self, name: str, node: Any) -> str:
        while name in self._nodes:
            name += "_"
        self._nodes[name] = node
        return name

    def _connect(self, source: str, target: str, delayed: bool = False) -> None:
        self._edges.append((source, target))
        if delayed:
            self._delayed.append((source, target))


def _plain(each: Filter) -> bool:
    """Whether a filter has a leak to 0 and nothing else but its input."""
    return each.tau is not None and not (each.offset or each.bias)
