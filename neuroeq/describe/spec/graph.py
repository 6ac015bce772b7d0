"""The graph of a network: its layers of units, and the projections of synapses between them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from .base import MANY, Count, Spec, Time, Value
from .hardware import Hardware
from .model import NeuronModel, SynapseModel

Scheme = Literal["glorot_uniform", "uniform", "normal", "constant", "rectified_uniform"]


class Initial(Spec):
    """How weights or biases start.

    Parameters
    ----------
    scheme
        The distribution that start values are drawn from. ``glorot_uniform``: U(-a, a) with
        a = gain sqrt(6/(n_pre + n_post)); ``uniform``: U(-gain, gain); ``normal``: N(0, gain); ``constant``: gain;
        ``rectified_uniform``: max(0, U(-a, a)) with a = gain/sqrt(n_pre), for conductances, added to the lowest
        conductance of a device.
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
        Number of units in the layer.
    role
        ``input``: the units are clamped to the data; ``output``: they are read and nudged; ``hidden``: neither.
    bias
        Whether the units learn a bias.
    bias_learning_rate
        Learning rate of the biases; that of the first projection into the layer if left out.
    bias_initial
        How the biases start; they start at 0 if left out.
    neuron
        A neuron model that replaces the substrate's for this layer.
    parameters
        Values that replace parameters of the neuron model.
    """

    size: Annotated[Count, Field(le=MANY)]
    role: Literal["input", "hidden", "output"] = "hidden"
    bias: bool = True
    bias_learning_rate: float | None = Field(default=None, ge=0)
    bias_initial: Initial | None = None
    neuron: str | NeuronModel | None = None
    parameters: dict[str, Value] = {}


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

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.bounds is not None and self.bounds[0] >= self.bounds[1]:
            raise ValueError(f"bounds are {list(self.bounds)}; expected [low, high] with low below high")
        return self


def check_edges(name: str, projection: Projection, layers: dict[str, Layer]) -> None:
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
