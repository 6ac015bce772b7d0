"""What a network is on one substrate: its models there, and the settings that differ."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from .base import Spec, Time, Value
from .circuit import Resistive
from .model import NeuronModel, SynapseModel


class Substrate(Spec):
    """The models of a network on one substrate, and the settings that differ there.

    Parameters
    ----------
    neuron, synapse
        Neuron model and synapse model, by name or path; a resistor network has none.
    input
        ``analog``: input units inject their values; otherwise the neuron model of the input units, which encodes the
        value that drives it.
    neuron_parameters, synapse_parameters, input_parameters
        Values that replace parameters of the neuron model, of the synapse model, and of the input's neuron model.
    dt
        Integration step that replaces the neuron model's. [s]
    precision
        Floating-point type of the simulation, ``float64`` or ``float32``.
    circuit
        Layout of a resistor network; not allowed on other substrates.
    hardware
        Hardware of a circuit, by name or path, for runs that do not name another.
    hardware_changes
        Keys of that hardware that this network needs otherwise, in tables as in a hardware file.
    data, layers, projections, phases, training
        Settings that are laid over the network's tables of the same name.
    """

    neuron: str | NeuronModel | None = None
    synapse: str | SynapseModel | None = None
    input: str | NeuronModel = "analog"
    neuron_parameters: dict[str, Value] = {}
    synapse_parameters: dict[str, Value] = {}
    input_parameters: dict[str, Value] = {}
    dt: Annotated[Time, Field(gt=0)] | None = None
    precision: Literal["float64", "float32"] = "float64"
    circuit: Resistive | None = None
    hardware: str | None = None
    hardware_changes: dict[str, Any] = {}
    data: dict[str, Any] = {}
    layers: dict[str, Any] = {}
    projections: dict[str, Any] = {}
    phases: dict[str, Any] = {}
    training: dict[str, Any] = {}

    OVERLAYS: ClassVar[tuple[str, ...]] = ("data", "layers", "projections", "phases", "training")
