"""The nodes of a resistor network as Brian2 equations: a capacitor at every node, and the currents into it.

C dv/dt = sum g (u - v) - i_diode(v) + I + nudge
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.catalog import load_model
from neuroeq.describe.network import nodes
from neuroeq.describe.spec import Network, NeuronModel, Substrate, SynapseModel
from neuroeq.errors import SpecError

from ..circuits.circuit import Circuit, Layer
from ..circuits.diodes import IdealDiode

Array = np.ndarray
SAFETY = 0.4
"""The time step, as a fraction of a lower bound of the fastest time constant."""


def in_time(network: Network, circuit: Circuit, params: Params) -> Network:
    """Return the circuit as a network of nodes that the engine can run."""
    if not all(params[name].any() for name in network.projections):
        raise SpecError(f"{network.where}: all conductances of a projection are 0, so nodes float; start above 0.")
    fast, slow = time_constants(network, circuit, params)
    models = {name: _node(network, layer, fast, slow) for name, layer in circuit.layers.items()}
    layers = {
        name: layer.model_copy(update={"size": nodes(network, name), "neuron": models.get(name)})
        for name, layer in network.layers.items()
    }
    synapse = load_model(SynapseModel, "resistor")
    output = models[network.output_layer]
    physics = Substrate(neuron=output, synapse=synapse, dt=output.model_dump()["dt"])
    return network.model_copy(update={"layers": layers, "substrate": {"rate": physics}, "hardware": None})


def time_constants(network: Network, circuit: Circuit, params: Params) -> tuple[float, float]:
    """Return bounds of the time constants of the fastest node, whose diode conducts, and of the slowest node [s]."""
    hardware = network.technology
    sums: dict[str, Array] = {}
    for name, projection in network.projections.items():
        g = params[name] * network.g_unit
        for layer, total in ((projection.source, g.sum(axis=1)), (projection.target, g.sum(axis=0))):
            sums[layer] = sums.get(layer, 0.0) + total
    moving = np.concatenate([total for layer, total in sums.items() if layer != network.input_layer])
    swing = network.v_unit * network.circuit.largest_source
    conductance = float(moving.max())
    steepest = max((layer.diode.stiffness(swing, conductance) for layer in circuit.layers.values()), default=1.0)
    capacitance = hardware.neuron.c_node
    return float(capacitance / (moving.max() * steepest)), float(capacitance / moving[moving > 0].min())


def _node(network: Network, layer: Layer, fast: float, slow: float) -> NeuronModel:
    """Return the nodes of a layer as a neuron model."""
    lower, upper = (
        _side(np.isfinite(np.broadcast_to(layer.low, layer.size))),
        _side(np.isfinite(np.broadcast_to(layer.high, layer.size))),
    )
    low, high = (float(np.max(np.where(np.isfinite(v), v, -np.inf), initial=-np.inf)) for v in (layer.low, layer.high))
    biases = {"V_low": low if lower != "0" else 0.0, "V_high": high if upper != "0" else 0.0}
    ideal = isinstance(layer.diode, IdealDiode)
    through = layer.diode.expression()
    terms = (
        []
        if through is None
        else [
            f" - {upper}*({through.text.replace('DROP', '(v - V_high)')})",
            f" + {lower}*({through.text.replace('DROP', '(V_low - v)')})",
        ]
    )
    clip = f"v = clip(v, V_low - far*(1 - {lower}), V_high + far*(1 - {upper}))"
    values = {"C_node": network.technology.neuron.c_node, "slow": slow, **biases}
    units = {"C_node": "F", "slow": "s", "V_low": "V", "V_high": "V"}
    constants = {} if through is None else through.constants
    return NeuronModel(
        name="node",
        title="Node of a resistor network, with a capacitor to ground",
        emits="rate",
        equations=f"dv/dt = ((drive + bias + nudge)*amp{''.join(terms)})/C_node : volt\nvoltage = v/volt : 1",
        state="v",
        activity="voltage",
        time_constant="slow",
        after_step=clip if ideal else "",
        dt=f"{SAFETY * fast!r} s",  # type: ignore[arg-type]
        parameters={**{name: f"{value!r} {units[name]}" for name, value in values.items()}, **constants, "far": "1 GV"},
    )


def _side(there: Array) -> str:
    """Return an expression that is 1 for the units with a diode on this side: all, none, the first or the last."""
    count = int(there.sum())
    if count in (0, len(there)):
        return "1" if count else "0"
    return f"int(unit < {count})" if there[0] else f"int(unit >= {len(there) - count})"
