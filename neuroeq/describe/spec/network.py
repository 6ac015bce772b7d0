"""A network: layers, projections, data, phases and a training recipe, and the models that play it on each substrate."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from neuroeq.errors import SpecError
from neuroeq.registry import SUBSTRATES as REGISTERED

from ..kinds import OWN, Kind, kind_of, made_of_hardware
from .base import Count, Described, Fraction, Positive, Spec, Time, Value
from .circuit import Resistive
from .graph import Layer, Projection, check_edges
from .hardware import Hardware
from .model import NeuronModel, SynapseModel
from .recipe import NudgeName, Phases, Training
from .rules import check_rule, rule_of

SubstrateName = Annotated[str, AfterValidator(REGISTERED.check)]
SUBSTRATES: tuple[str, ...] = tuple(OWN)
"""The names of our own substrates."""
Engine = Literal["stepper", "compiled", "reference", "operating_point"]
DEFAULT_G_UNIT = 1e-3
"""Conductance 1 of a resistor network whose hardware has no window. [S]"""
Name = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]*$")]


WholeNumber = Annotated[int, Field(strict=True, ge=1)]


class Data(Spec):
    """Which examples, and which part of them trains, validates and tests.

    Parameters
    ----------
    name
        A built-in set, or a folder with the four idx files.
    protocol
        ``select``: train on the training part, report the validation error every epoch, leave the test part alone;
        for choosing settings. ``final``: train on training and validation part, test once. ``holdout``: train on the
        training part, validate every epoch, test once. ``whole``: train and test on all; for truth tables.
    test, validation
        Fractions of all examples, or how many; a set that comes with a test part keeps it, and ``test`` is not used.
    split_seed
        Seed of the stratified split; it belongs to the file, not to the run.
    samples, noise
        Size and noise of a generated set.
    limit
        Use that many training examples at most.
    offset, scale
        What inputs, which range from 0 to 1, are changed to: (input - offset) scale.
    targets
        ``one_hot``: one output a class; ``scalar``: one output, 0 or 1.
    """

    name: str
    protocol: Literal["select", "final", "holdout", "whole"] = "final"
    test: Fraction | WholeNumber = 0.2
    validation: Fraction | WholeNumber = 0.15
    split_seed: int = Field(default=0, ge=0)
    samples: Count = 400
    noise: float = Field(default=0.1, ge=0)
    limit: Count | None = None
    offset: float = 0.0
    scale: Positive = 1.0
    targets: Literal["one_hot", "scalar"] = "one_hot"


class Substrate(Spec):
    """What plays the network on one substrate, and what is different there.

    Parameters
    ----------
    neuron, synapse
        Models, by name or path; a resistor network has none.
    input
        ``analog``: input units inject their values; else the neuron model that encodes them, driven by the value.
    neuron_parameters, synapse_parameters, input_parameters
        Other values for the models' parameters.
    dt
        Another step than the neuron model's.
    precision
        Of the simulation's arithmetic.
    circuit
        Of a resistor network: its layout.
    hardware
        What a circuit is made of, by name or path, where a run names nothing else.
    data, layers, projections, phases, training
        Laid over the network's tables of the same name.
    """

    neuron: str | NeuronModel | None = None
    synapse: str | SynapseModel | None = None
    input: str | NeuronModel = "analog"
    neuron_parameters: dict[str, Value] = {}
    synapse_parameters: dict[str, Value] = {}
    input_parameters: dict[str, Value] = {}
    dt: Time | None = None
    precision: Literal["float64", "float32"] = "float64"
    circuit: Resistive | None = None
    hardware: str | None = None
    data: dict[str, Any] = {}
    layers: dict[str, Any] = {}
    projections: dict[str, Any] = {}
    phases: dict[str, Any] = {}
    training: dict[str, Any] = {}

    OVERLAYS: ClassVar[tuple[str, ...]] = ("data", "layers", "projections", "phases", "training")


class Expected(Spec):
    """What a reproduction must reach.

    Parameters
    ----------
    substrate
        Where.
    settings
        The ``--set`` of the run.
    hardware
        Its ``--hardware``.
    test_error
        Median over the seeds.
    tolerance
        How far a single seed may be above it.
    seeds
        That it was measured with.
    source
        Measured by whom, or the paper.
    published
        The paper's figure, where there is one.
    """

    substrate: SubstrateName
    settings: tuple[str, ...] = ()
    hardware: str | None = None
    test_error: float = Field(ge=0, le=1)
    tolerance: float = Field(ge=0, le=1)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    source: str
    published: str = ""


class RunOptions(Spec):
    """How a run was made; a resolved network carries it in run.toml.

    Parameters
    ----------
    seed
        Of start weights, the order of the examples, start values and noise.
    engine
        What advanced the simulation: Brian2 by our loop or by its own, a training compiled as a whole, or the solver
        of a circuit's operating point. If left out: the solver for a resistor network; elsewhere the stepper, or the
        compiled training of 200,000 samples and more where it takes the network and there is a compiler.
    data_dir
        The folder that held data sets, if one was named.
    """

    seed: int = Field(default=0, ge=0)
    engine: Engine | None = None
    data_dir: str | None = None


class Network(Described):
    """A network, as a file describes it.

    Parameters
    ----------
    data, layers, projections, phases, training
        See there; layers are in the order of the file.
    substrate
        By name: the models that play it there.
    hardware
        Of a resolved network on a circuit: what it is made of.
    expected
        What runs of this file reach.
    run
        Of a run's description.
    """

    data: Data
    layers: dict[Name, Layer]
    projections: dict[Name, Projection]
    phases: Phases
    training: Training
    substrate: dict[SubstrateName, Substrate]
    hardware: Hardware | None = None
    expected: tuple[Expected, ...] = ()
    run: RunOptions = RunOptions()

    @model_validator(mode="after")
    def _graph(self) -> Self:
        roles = [layer.role for layer in self.layers.values()]
        for role in ("input", "output"):
            if roles.count(role) != 1:
                raise ValueError(f"layers have {roles.count(role)} of role '{role}'; expected one")
        for name, projection in self.projections.items():
            for end in ("source", "target"):
                layer = getattr(projection, end)
                if layer not in self.layers:
                    raise ValueError(
                        f"projections.{name}.{end} is '{layer}'; expected one of the layers: {', '.join(self.layers)}"
                    )
            if self.layers[projection.target].role == "input":
                raise ValueError(
                    f"projections.{name}.target is the input layer '{projection.target}', which is clamped; "
                    "swap source and target"
                )
            check_edges(name, projection, self.layers)
        for name, layer in self.layers.items():
            if layer.role != "input" and not self.into(name):
                raise ValueError(f"layers.{name} has no projection; connect it or leave it out")
        return self

    @model_validator(mode="after")
    def _played(self) -> Self:
        for name, substrate in self.substrate.items():
            kind = kind_of(name)
            if substrate.hardware is not None and not kind.hardware:
                raise ValueError(
                    f"substrate.{name} has hardware; only {' and '.join(made_of_hardware())} are made of it"
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
        if self.phases.cost == "cross_entropy" and self.data.targets == "scalar":
            raise ValueError(
                "phases.cost is 'cross_entropy' with data.targets 'scalar', one output; use 'one_hot' or squared_error"
            )
        return self

    @property
    def input_layer(self) -> str:
        """Name of the layer that is clamped to the data."""
        return next(name for name, layer in self.layers.items() if layer.role == "input")

    @property
    def output_layer(self) -> str:
        """Name of the layer that is read and nudged."""
        return next(name for name, layer in self.layers.items() if layer.role == "output")

    @property
    def substrate_name(self) -> SubstrateName:
        """The substrate of a resolved network, which has one."""
        if len(self.substrate) != 1:
            raise SpecError(
                f"{self.where}: describes {len(self.substrate)} substrates ({', '.join(self.substrate)}), and one is "
                "needed here; choose it with neuroeq.resolve(network, substrate)."
            )
        return next(iter(self.substrate))

    @property
    def kind(self) -> Kind:
        """The kind of the substrate of a resolved network."""
        return kind_of(self.substrate_name)

    @property
    def physics(self) -> Substrate:
        """What plays a resolved network."""
        return self.substrate[self.substrate_name]

    @property
    def circuit(self) -> Resistive:
        """Layout of a network resolved for a resistor network."""
        return self.physics.circuit or Resistive()

    @property
    def g_unit(self) -> float:
        """Conductance 1 of a network resolved for a resistor network. [S]."""
        return self.circuit.g_unit or self.technology.g_max or DEFAULT_G_UNIT

    @property
    def technology(self) -> Hardware:
        """What a network resolved for a circuit is made of."""
        assert self.hardware is not None
        return self.hardware

    @property
    def nudge(self) -> NudgeName:
        """How outputs are nudged: as the phases say, or as the rule does."""
        rule = rule_of(self.training)
        return self.phases.nudge or (rule and rule.nudge) or "state"

    @property
    def resistive(self) -> bool:
        """Whether a resolved network is a resistor network."""
        return self.kind.conductances

    def neuron(self, layer: str) -> NeuronModel | None:
        """Return the model of a layer of a resolved network; None for an analog input layer."""
        own = self.layers[layer].neuron
        model = own or (self.physics.input if layer == self.input_layer else self.physics.neuron)
        return model if isinstance(model, NeuronModel) else None

    def synapse(self, projection: str) -> SynapseModel:
        """Return the model of a projection of a resolved network."""
        model = self.projections[projection].synapse or self.physics.synapse
        assert isinstance(model, SynapseModel)
        return model

    def into(self, layer: str) -> list[str]:
        """Return the projections that act on a layer, in the order of the file."""
        return [
            name
            for name, projection in self.projections.items()
            if projection.target == layer or (projection.source == layer and self.symmetric(name))
        ]

    def symmetric(self, projection: str) -> bool:
        """Whether a projection acts in both directions: all do, but directed ones and those from the clamped input."""
        return self.projections[projection].source != self.input_layer and not self.projections[projection].directed
