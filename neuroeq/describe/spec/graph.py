"""The graph of a network: its layers of units, and the projections of synapses between them."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from .base import MANY, Count, Spec, Time, Value
from .hardware import Hardware
from .model import NeuronModel, SynapseModel

Scheme = Literal["glorot_uniform", "fan_in_uniform", "uniform", "normal", "constant", "rectified_uniform"]


class Initial(Spec):
    """How weights or biases start.

    Parameters
    ----------
    scheme
        The distribution that start values are drawn from. ``glorot_uniform``: U(-a, a) with
        a = gain sqrt(6/(n_pre + n_post)), where each position of a kernel counts; ``fan_in_uniform``: U(-a, a) with
        a = gain/sqrt(n_pre), for n_pre weights into a unit; ``uniform``: U(-gain, gain); ``normal``: N(0, gain);
        ``constant``: gain; ``rectified_uniform``: max(0, U(-a, a)) with a = gain/sqrt(n_pre), for conductances, added
        to the lowest conductance of a device.
    gain
        The factor called gain in the formulas of `scheme`.
    angle
        For directed feedback weights, the angle to the transpose of the forward weights. The drawn weights are rotated
        to this angle and keep their norm. [degrees]
    """

    scheme: Scheme = "glorot_uniform"
    gain: float = 1.0
    angle: Annotated[float, Field(ge=0, le=180)] | None = None

    @model_validator(mode="after")
    def _spread(self) -> Self:
        if self.gain < 0 and self.scheme != "constant":
            raise ValueError(
                f"gain is {self.gain:g} with scheme '{self.scheme}', whose spread it is; expected 0 or more"
            )
        return self


class Layer(Spec):
    """A layer of units that share one neuron model.

    Parameters
    ----------
    size
        Number of units in the layer; a layer with a shape has its number already.
    shape
        Channels, height and width of a layer whose units have places; the order of its units is channel, row, column.
    role
        ``input``: the units are clamped to the data; ``output``: they are read and nudged; ``hidden``: neither.
    bias
        Whether the units learn a bias; in a layer with a shape, those of a channel share one.
    bias_learning_rate
        Learning rate of the biases; that of the first projection into the layer if left out.
    bias_initial
        How the biases start; they start at 0 if left out.
    neuron
        A neuron model that replaces the substrate's for this layer.
    parameters
        Values that replace parameters of the neuron model.
    nonlinearity
        In a resistor network, keys of the diodes at the nodes of a hidden layer that differ from those of the hardware,
        such as ``{ v_bias_up = "0.2 V", v_bias_down = "-0.2 V" }``; with another ``model``, only the biases are kept.
    """

    size: Annotated[Count, Field(le=MANY)]
    shape: tuple[Count, Count, Count] | None = None
    role: Literal["input", "hidden", "output"] = "hidden"
    bias: bool = True
    bias_learning_rate: float | None = Field(default=None, ge=0)
    bias_initial: Initial | None = None
    neuron: str | NeuronModel | None = None
    parameters: dict[str, Value] = {}
    nonlinearity: dict[str, bool | Value] = {}

    @model_validator(mode="before")
    @classmethod
    def _sized(cls, given: Any) -> Any:
        shape = given.get("shape") if isinstance(given, dict) else None
        if isinstance(shape, list | tuple) and len(shape) == 3 and all(isinstance(n, int) for n in shape):
            given = {"size": prod(shape), **given}
            if given["size"] != prod(shape):
                raise ValueError(
                    f"size is {given['size']}, and shape {list(shape)} has {prod(shape)} units; leave size out, or "
                    "replace shape too"
                )
        return given

    @model_serializer(mode="wrap")
    def _without_size(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the size that follows from the shape, so that a setting of the shape alone is enough."""
        return {key: value for key, value in plain(self).items() if key != "size" or self.shape is None}


class Connect(Spec):
    """Which pairs of units are connected: a random fraction of them, or a list.

    Parameters
    ----------
    probability
        Probability with which each pair of units is connected.
    seed
        Seed of the random choice of pairs.
    edges
        The connected pairs (unit of the source layer, unit of the target layer), counted from 0.
    """

    probability: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int = Field(default=0, ge=0)
    edges: tuple[tuple[int, int], ...] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.probability is None) == (self.edges is None):
            raise ValueError("has both or neither of probability and edges; expected one of them")
        return self


class Projection(Spec):
    """Synapses from one layer to another; between free layers each acts in both directions with the same weight.

    Parameters
    ----------
    source, target
        Names of the layers that are connected; the same name twice stands for lateral synapses.
    kind
        ``dense``: a weight for each pair of units; ``conv``: kernels that all positions of two layers with shapes
        share.
    kernel
        Width of the kernels of a convolution.
    stride
        Distance of neighbouring positions of a kernel.
    padding
        Number of rows and columns of zeros around the source.
    pool
        ``average``: the mean over 2 x 2 positions arrives at the target; ``none``: each position does.
    directed
        Whether the synapses act from source to target only, even between free layers. Feedback, if any, is then a
        projection of its own.
    learning_rate
        Learning rate of the weights; 0 keeps them as they are.
    initial
        How the weights are drawn before training.
    connect
        Which pairs of units are connected; all of them if left out.
    bounds
        The interval (low, high) that weights are kept in; ``"none"`` removes that of a file that is extended.
    delay
        Conduction delay; a projection with a delay runs as native Brian2 Synapses. [s]
    synapse
        A synapse model that replaces the substrate's for this projection.
    hardware
        On a circuit, the hardware whose devices and wires hold these weights, by name or path; that of the run if left
        out. Biases are in the array of the first projection into their layer.
    """

    source: str
    target: str
    kind: Literal["dense", "conv"] = "dense"
    kernel: Count | None = None
    stride: Count = 1
    padding: Annotated[int, Field(ge=0, le=MANY)] = 0
    pool: Literal["none", "average"] = "none"
    directed: bool = False
    learning_rate: float = Field(ge=0)
    initial: Initial = Initial()
    connect: Connect | None = None
    bounds: Annotated[tuple[float, float] | None, BeforeValidator(lambda value: None if value == "none" else value)] = (
        None
    )
    delay: Annotated[Time, Field(ge=0)] | None = None
    synapse: str | SynapseModel | None = None
    hardware: str | Hardware | None = None

    @model_validator(mode="before")
    @classmethod
    def _pool(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("pool") == "max":
            raise ValueError(
                "pool is 'max', which switches between units, so the energy has kinks; expected 'average' or 'none'"
            )
        return given

    @model_validator(mode="after")
    def _convolved(self) -> Self:
        if self.kind == "conv" and self.kernel is None:
            raise ValueError("kind is 'conv' without a kernel; give the width of the kernels, such as kernel = 5")
        moved = {"kernel": self.kernel, "stride": self.stride - 1, "padding": self.padding, "pool": self.pool != "none"}
        given = [key for key, value in moved.items() if value]
        if self.kind == "dense" and given:
            raise ValueError(f"{' and '.join(given)} is of a convolution, and kind is 'dense'; add kind = 'conv'")
        return self

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.bounds is not None and self.bounds[0] >= self.bounds[1]:
            raise ValueError(f"bounds are {list(self.bounds)}; expected [low, high] with low below high")
        return self


def check_graph(layers: dict[str, Layer], projections: dict[str, Projection]) -> None:
    """Refuse layers without an input or an output, and projections that name no layers or lead to the input."""
    roles = [layer.role for layer in layers.values()]
    for role in ("input", "output"):
        if roles.count(role) != 1:
            raise ValueError(f"layers have {roles.count(role)} of role '{role}'; expected one")
    for name, projection in projections.items():
        for end in ("source", "target"):
            layer = getattr(projection, end)
            if layer not in layers:
                raise ValueError(
                    f"projections.{name}.{end} is '{layer}'; expected one of the layers: {', '.join(layers)}"
                )
        if layers[projection.target].role == "input":
            raise ValueError(
                f"projections.{name}.target is the input layer '{projection.target}', which is clamped; "
                "swap source and target"
            )
        _check_edges(name, projection, layers)


def _check_edges(name: str, projection: Projection, layers: dict[str, Layer]) -> None:
    """Refuse listed edges that name units outside their layers, or connect a unit with itself."""
    if projection.connect is None or projection.connect.edges is None:
        return
    sizes = (layers[projection.source].size, layers[projection.target].size)
    for edge in projection.connect.edges:
        if not all(0 <= unit < size for unit, size in zip(edge, sizes, strict=True)):
            raise ValueError(
                f"projections.{name}.connect.edges has {list(edge)}; expected units from 0 to {sizes[0] - 1} and "
                f"0 to {sizes[1] - 1}"
            )
        if projection.source == projection.target and edge[0] == edge[1]:
            raise ValueError(f"projections.{name}.connect.edges has {list(edge)}; a unit has no synapse on itself")
