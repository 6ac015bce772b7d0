"""A network and its hardware as a resistor network: which nodes there are, which diodes, what drives them.

Inputs x become voltages gain (x, -x), constant sources beside them; outputs are nodes, or differences of two nodes.
Everything is in the network's own units, v_unit and g_unit, unless it is asked for in volts and siemens.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.describe.diodes import diodes_of
from neuroeq.describe.network import biases, geometry, nodes, places_of_inputs
from neuroeq.describe.operators import Convolution
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.node import NoClamp
from neuroeq.errors import SpecError
from neuroeq.randomness import Streams
from neuroeq.registry import DIODES

from .circuit import Amplifier, Array, Circuit, Layer


def lay_out(network: Network, *, in_volts: bool = False) -> Circuit:
    """Return the circuit of a network resolved for a resistor network.

    Parameters
    ----------
    network
        A network resolved for a resistor network, with its hardware.
    in_volts
        Whether voltages and conductances are volts and siemens; else they are in the network's units.
    """
    return Circuit(
        sources={network.input_layer: nodes(network, network.input_layer)},
        layers={name: _layer(network, name, in_volts) for name in network.layers if name != network.input_layer},
        resistors={name: (projection.source, projection.target) for name, projection in network.projections.items()},
        convolutions={name: Convolution(geometry(network, name)) for name in network.convolutions},
    )


def check_layout(network: Network) -> None:
    """Refuse what a resistor network has no part for.

    Raises
    ------
    SpecError
        If the network or its hardware asks for it.
    """
    physics = network.physics
    asked = {
        "substrate.resistive.dt": physics.dt is not None,
        "substrate.resistive.input": physics.input != "analog",
        "substrate.resistive.neuron_parameters": bool(physics.neuron_parameters),
        "substrate.resistive.synapse_parameters": bool(physics.synapse_parameters),
        "substrate.resistive.input_parameters": bool(physics.input_parameters),
    }
    for name, layer in network.layers.items():
        asked |= {
            f"layers.{name}.neuron": layer.neuron is not None,
            f"layers.{name}.parameters": bool(layer.parameters),
        }
    for name, projection in network.projections.items():
        asked[f"projections.{name}.delay"] = projection.delay is not None
        asked[f"projections.{name}.directed"] = projection.directed
        asked[f"projections.{name}.synapse"] = projection.synapse is not None
    for key, given in asked.items():
        if given:
            raise SpecError(f"{network.where}: {key} is given, which a resistor network has no part for; leave it out.")
    _check_convolutions(network)


def _check_convolutions(network: Network) -> None:
    for name in network.convolutions:
        what = f"{network.where}: projections.{name} is a convolution of resistors"
        if network.technology.neuron.amplifier is not None:
            raise SpecError(
                f"{what}, and {network.technology.where} has amplifiers, which stand before dense arrays only; use "
                "--ideal amplifiers, or kind = 'dense'."
            )
        if network.array(name).array.wired:
            raise SpecError(
                f"{what}, which is no array with rows and columns, and {network.array(name).where} has resistances of "
                "wires; use --ideal array, or kind = 'dense'."
            )


def source_voltages(network: Network, inputs: Array) -> Array:
    """Return the voltages of the sources for inputs (batch, n_input): (batch, n_sources) [v_unit].

    Each part is a block of channels where a convolution sees the inputs, so a bias source is a constant channel.
    """
    layout = network.circuit
    x = layout.input_gain * inputs
    parts = [x, -x] if layout.double_inputs else [x]
    constants = np.repeat(np.asarray(layout.bias_voltages, x.dtype), places_of_inputs(network))
    return np.concatenate([*parts, np.broadcast_to(constants, (len(x), len(constants)))], axis=1)


def read_outputs(network: Network, voltages: Array) -> Array:
    """Return the outputs that the nodes of the output layer stand for: (batch, n_output) [v_unit]."""
    if network.circuit.outputs == "single":
        return voltages
    plus, minus = np.split(voltages, 2, axis=1)
    return plus - minus


def at_outputs(network: Network, pull: Array) -> Array:
    """Return the currents into the output nodes that pull at the outputs: the second node of a pair is pushed back."""
    return pull if network.circuit.outputs == "single" else np.concatenate([pull, -pull], axis=1)


def in_siemens(network: Network, params: Mapping[str, Array]) -> dict[str, Array]:
    """Return the conductances of the resistor arrays [S]."""
    return {name: params[name] * network.g_unit for name in network.projections}


def _layer(network: Network, name: str, in_volts: bool) -> Layer:
    size, channels, layout = nodes(network, name), biases(network, name), network.circuit
    volt = 1.0 if in_volts else network.v_unit
    ampere = 1.0 if in_volts else network.v_unit * network.g_unit
    if network.layers[name].role != "hidden":
        return Layer(size)
    amplifier = _amplifiers(network, name, volt)
    clamp = diodes_of(network, name)
    if isinstance(clamp, NoClamp) or layout.diodes == "none":
        return Layer(size, amplifier=amplifier)
    diode = DIODES.get(clamp.model).of(clamp, volt, ampere, network.technology.temperature)
    lower, upper = (np.repeat(there, size // channels) for there in _sides(layout.diodes, channels))
    low = np.where(lower, clamp.v_bias_down / volt, -np.inf)
    high = np.where(upper, clamp.v_bias_up / volt, np.inf)
    return Layer(size, diode, low, high, amplifier)


def _amplifiers(network: Network, name: str, volt: float) -> Amplifier | None:
    """Return the amplifiers of a layer, each with its own gains and offset: a run's seed is that of its circuit."""
    given, size = network.technology.neuron.amplifier, nodes(network, name)
    if given is None:
        return None

    def spread(purpose: str) -> Array:
        return Streams(network.run.seed).child(f"amplifiers {purpose} {name}").standard_normal(size)

    gain = given.gain * np.maximum(1 + given.gain_sd * spread("gain"), 0.05) if given.gain_sd else given.gain
    back: float | Array = given.back_gain
    if given.back_gain_sd:
        back = back * np.maximum(1 + given.back_gain_sd * spread("back gain"), 0.05)
    return Amplifier(gain, back, given.offset_sd / volt * spread("offset") if given.offset_sd else 0.0)


def _sides(diodes: str, size: int) -> tuple[Array, Array]:
    """Return which nodes, or channels, of a layer have a lower diode and which an upper one: (size,) each.

    Raises
    ------
    SpecError
        If the arrangement of diodes is unknown.
    """
    first = np.arange(size) < (size + 1) // 2
    all_nodes = np.ones(size, bool)
    arrangements = {
        "split": (first, ~first),
        "both": (all_nodes, all_nodes),
        "lower": (all_nodes, ~all_nodes),
        "upper": (~all_nodes, all_nodes),
    }
    if diodes not in arrangements:
        raise SpecError(
            f"substrate.resistive.circuit.diodes is '{diodes}'; expected 'none' or one of "
            f"{', '.join(map(repr, arrangements))}."
        )
    return arrangements[diodes]
