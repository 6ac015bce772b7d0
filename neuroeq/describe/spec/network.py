"""A network: layers, projections, data, phases and a training recipe, and its models on each substrate."""

from __future__ import annotations

from math import floor, log2
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, ValidationInfo, model_validator

from neuroeq.errors import SpecError
from neuroeq.registry import PAGES

from ..kinds import OWN, Kind, kind_of, made_of_hardware
from .base import Described, in_words, validate
from .circuit import Resistive
from .convolution import check_convolution
from .data import Data
from .expected import Expected, SubstrateName
from .files import overlay
from .graph import Layer, Projection, check_graph
from .hardware import Hardware
from .model import NeuronModel, SynapseModel
from .options import RunOptions
from .recipe import NudgeName, Phases, Training
from .record import Record, check_record
from .rules import check_rule, rule_of
from .substrate import Substrate
from .summary import summary

SUBSTRATES: tuple[str, ...] = tuple(OWN)
"""The names of our own substrates."""
LARGEST_SOURCE = 0.45
"""Largest voltage of a source where nothing else says, that of the inputs of Dillavou et al. 2024, PNAS. [V]"""
DEFAULT_G_UNIT = 1e-3
"""Conductance that counts as 1 in a resistor network whose hardware has no conductance window. [S]"""
Name = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]*$")]


class Network(Described):
    """A network, as a file describes it.

    Parameters
    ----------
    explained
        The warnings that the file accepts: ``margin``, ``saturation``, ``settling`` or ``multistable``; they
        point to its notes.
    data
        The data set and its split.
    layers
        The layers by name, in the order of the file.
    projections
        The projections by name.
    phases
        The free phase and the nudged phases.
    training
        How the network is trained: its rule, its steps and its schedule.
    record
        What is recorded of a few samples, before and after training.
    substrate
        By substrate, the models and settings of the network there.
    hardware
        The hardware of the circuit, once a network is resolved for one.
    expected
        The test errors that runs of this file reach.
    run
        The options of the run, in the description of a run.
    """

    explained: tuple[Literal["margin", "saturation", "settling", "multistable"], ...] = ()
    data: Data
    layers: dict[Name, Layer]
    projections: dict[Name, Projection]
    phases: Phases
    training: Training
    record: Record = Record()
    substrate: dict[SubstrateName, Substrate]
    hardware: Hardware | None = None
    expected: tuple[Expected, ...] = ()
    run: RunOptions = RunOptions()

    @model_validator(mode="after")
    def _notes(self) -> Self:
        for warning in self.explained:
            if warning not in self.notes:
                raise ValueError(
                    f"explained names '{warning}', a word that the notes do not contain; say in notes why the network "
                    "is trained so, or leave it out"
                )
        return self

    @model_validator(mode="after")
    def _graph(self) -> Self:
        check_graph(self.layers, self.projections)
        check_record(self.record, self.layers)
        for name, projection in self.projections.items():
            check_convolution(name, projection, self.layers)
        for name, layer in self.layers.items():
            if layer.role != "input" and not self.into(name):
                raise ValueError(f"layers.{name} has no projection; connect it or leave it out")
        return self

    @model_validator(mode="after")
    def _substrates(self) -> Self:
        for name, substrate in self.substrate.items():
            kind = kind_of(name)
            if substrate.hardware is not None and not kind.hardware:
                raise ValueError(f"substrate.{name} has hardware; only {', '.join(made_of_hardware())} are made of it")
            if substrate.hardware_changes and substrate.hardware is None:
                raise ValueError(
                    f"substrate.{name} has hardware_changes and no hardware; name the hardware they change"
                )
            if substrate.circuit is not None and not kind.conductances:
                raise ValueError(f"substrate.{name} has a circuit; only 'resistive' is laid out so, leave it out")
            if not kind.models and (substrate.neuron or substrate.synapse):
                why = "its nodes are resistors and diodes, so" if kind.conductances else "it takes none, so"
                raise ValueError(f"substrate.{name} has a neuron or synapse model; {why} leave it out")
            if kind.models and not (substrate.neuron and substrate.synapse):
                missing = "neuron" if not substrate.neuron else "synapse"
                raise ValueError(f"substrate.{name}.{missing} is missing; expected a model by name or path")
        return self

    @model_validator(mode="after")
    def _recipe(self) -> Self:
        check_rule(self.training, self.phases)
        if self.training.prune is not None and self.convolutions:
            raise ValueError(
                f"training.prune removes edges, and projections.{self.convolutions[0]} is a convolution, whose "
                "weights have an edge at each position; leave it out, or use kind = 'dense'"
            )
        if self.phases.cost == "cross_entropy" and self.data.targets != "one_hot":
            raise ValueError(
                f"phases.cost is 'cross_entropy' with data.targets '{self.data.targets}'; use one_hot or squared_error"
            )
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _in_words(cls, raw: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Say in one sentence what is wrong with a network that is made in Python, as `validate` does for files.

        It stands after the other validators, so that it hears of what they refuse.
        """
        try:
            return handler(raw)
        except ValidationError as error:
            if info.context is not None or not isinstance(raw, dict):
                raise
            where = f"network '{raw['name']}'" if raw.get("name") else "this network"
            raise SpecError(in_words(cls, raw, where, error)) from None

    def with_(self, **tables: Any) -> Self:
        """Return a network with changes, which are validated.

        Parameters
        ----------
        tables
            What is laid over the tables of the network, such as ``phases={"beta": 0.1}``.

        Raises
        ------
        SpecError
            If the changed network is not allowed.
        """
        raw = overlay(self.model_dump(by_alias=True, exclude_unset=True), tables)
        return validate(type(self), raw, self.where).read_from(self.path, self.where)

    def __repr__(self) -> str:
        """Return the network on one screen."""
        return summary(self)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the same, and the graph of the network."""
        return PAGES.get("network")(self)

    @property
    def input_layer(self) -> str:
        """The name of the layer that is clamped to the data."""
        return next(name for name, layer in self.layers.items() if layer.role == "input")

    @property
    def output_layer(self) -> str:
        """The name of the layer that is read and nudged."""
        return next(name for name, layer in self.layers.items() if layer.role == "output")

    @property
    def substrate_name(self) -> SubstrateName:
        """The name of a resolved network's only substrate."""
        if len(self.substrate) != 1:
            raise SpecError(
                f"{self.where}: describes {len(self.substrate)} substrates ({', '.join(self.substrate)}), and one is "
                "needed here; choose it with neuroeq.resolve(network, substrate)."
            )
        return next(iter(self.substrate))

    @property
    def resolved(self) -> bool:
        """Whether it is resolved for one substrate, with its models and hardware in full."""
        if len(self.substrate) != 1:
            return False
        models = isinstance(self.physics.neuron, NeuronModel) or not self.kind.models
        return models and (self.hardware is not None or not self.kind.hardware)

    @property
    def kind(self) -> Kind:
        """The kind of the substrate of a resolved network."""
        return kind_of(self.substrate_name)

    @property
    def physics(self) -> Substrate:
        """The models and settings of a resolved network on its substrate."""
        return self.substrate[self.substrate_name]

    @property
    def circuit(self) -> Resistive:
        """The layout of a network that is resolved for a resistor network."""
        return self.physics.circuit or Resistive()

    @property
    def g_unit(self) -> float:
        """The conductance that counts as 1, in a network that is resolved for a resistor network. [S]."""
        tops = [top for name in self.projections if (top := self.array(name).g_max) is not None]
        return self.circuit.g_unit or min(tops, default=DEFAULT_G_UNIT)

    @property
    def v_unit(self) -> float:
        """The voltage that counts as 1, in a network that is resolved for a resistor network. [V].

        Where it is not given and hardware has no voltage of its own, it is the largest power of 2 that keeps all
        sources within the full scale of the converters: a training is the same, bit for bit, with every power of 2.
        """
        layout, hardware = self.circuit, self.technology
        if layout.v_unit is not None:
            return layout.v_unit
        if hardware.has_voltages or any(layer.nonlinearity for layer in self.layers.values()):
            return 1.0
        most = hardware.periphery.dac_full_scale or LARGEST_SOURCE
        return float(2.0 ** floor(log2(most / layout.largest_source)))

    @property
    def technology(self) -> Hardware:
        """The hardware of a network that is resolved for a circuit: its op-amps and converters, and most arrays."""
        assert self.hardware is not None
        return self.hardware

    def array(self, name: str) -> Hardware:
        """Return the hardware that weights or biases are held by, of a network that is resolved for a circuit."""
        own = self.projections[self.home(name)].hardware
        return self.technology.around(own) if isinstance(own, Hardware) else self.technology

    @property
    def own_arrays(self) -> dict[str, str]:
        """The names of the hardware of arrays that have their own, by projection, in a resolved network."""
        own = {name: projection.hardware for name, projection in self.projections.items()}
        return {name: each.name for name, each in own.items() if isinstance(each, Hardware)}

    @property
    def made_of(self) -> str:
        """The name of the hardware, and after a plus sign those of the arrays that have their own."""
        return "+".join(dict.fromkeys([self.technology.name, *self.own_arrays.values()]))

    def home(self, name: str) -> str:
        """Return the projection whose array holds weights: itself, or for biases the first one into their layer."""
        if name in self.projections:
            return name
        layer = name.removesuffix(".bias")
        into = [each for each in self.into(layer) if self.projections[each].target == layer]
        return (into or self.into(layer))[0]

    @property
    def nudge(self) -> NudgeName:
        """How outputs are nudged: as the phases say, or else as the learning rule does."""
        rule = rule_of(self.training)
        return self.phases.nudge or (rule and rule.nudge) or "state"

    def explanation(self, warning: str) -> str:
        """Return a clause that points to the notes, if they explain a warning, and otherwise nothing."""
        return f"; the notes of {self.name or 'the network'} say why" if warning in self.explained else ""

    def neuron(self, layer: str) -> NeuronModel | None:
        """Return the neuron model of a layer of a resolved network, or None for an analog input layer."""
        own = self.layers[layer].neuron
        model = own or (self.physics.input if layer == self.input_layer else self.physics.neuron)
        return model if isinstance(model, NeuronModel) else None

    def synapse(self, projection: str) -> SynapseModel:
        """Return the synapse model of a projection of a resolved network."""
        model = self.projections[projection].synapse or self.physics.synapse
        assert isinstance(model, SynapseModel)
        return model

    def into(self, layer: str) -> list[str]:
        """Return the names of the projections that act on a layer, in the order of the file."""
        return [
            name
            for name, projection in self.projections.items()
            if projection.target == layer or (projection.source == layer and self.symmetric(name))
        ]

    @property
    def convolutions(self) -> list[str]:
        """The names of the projections that are convolutions, in the order of the file."""
        return [name for name, projection in self.projections.items() if projection.kind == "conv"]

    def symmetric(self, projection: str) -> bool:
        """Whether a projection acts in both directions, as all do that are not directed or from the clamped input."""
        return self.projections[projection].source != self.input_layer and not self.projections[projection].directed
