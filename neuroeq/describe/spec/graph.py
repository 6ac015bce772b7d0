"""The graph of a network: layers of units, and projections of synapses between them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Count, Spec, Time, Value
from .model import NeuronModel, SynapseModel

Scheme = Literal["glorot_uniform", "uniform", "normal", "constant", "rectified_uniform"]


class Initial(Spec):
    """How weights or biases start.

    Parameters
    ----------
    scheme
        ``glorot_uniform``: U(-a, a) with a = gain sqrt(6/(n_pre + n_post)); ``uniform``: U(-gain, gain); ``normal``:
        N(0, gain); ``constant``: gain; ``rectified_uniform``: max(0, U(-a, a)) with a = gain/sqrt(n_pre), for
        conductances, on top of the lowest that a device holds.
    gain
        See there.
    angle
        Of directed feedback weights: to the transpose of those that run the other way. What was drawn is turned to it
        and keeps its size. [degrees]
    """

    scheme: Scheme = "glorot_uniform"
    gain: float = 1.0
    angle: Annotated[float, Field(ge=0, le=180)] | None = None


class Layer(Spec):
    """Units of one kind.

    Parameters
    ----------
    size
        How many.
    role
        ``input``: clamped to the data; ``output``: read and nudged.
    bias
        Whether the units learn a bias.
    bias_learning_rate
        As the first projection into the layer, if left out.
    bias_initial
        How the biases start; at 0 if left out.
    neuron
        Another model than the substrate's.
    parameters
        Other values for parameters of the neuron model.
    """

    size: Count
    role: Literal["input", "hidden", "output"] = "hidden"
    bias: bool = True
    bias_learning_rate: float | None = Field(default=None, ge=0)
    bias_initial: Initial | None = None
    neuron: str | NeuronModel | None = None
    parameters: dict[str, Value] = {}


class Connect(Spec):
    """Which pairs are connected: a random fraction, or a list.

    Parameters
    ----------
    probability, seed
        Every pair with that probability.
    edges
        Pairs (unit of the source layer, unit of the target layer), from 0.
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
    """Synapses from one layer to another; between free layers they act in both directions with one weight each.

    Parameters
    ----------
    source, target
        Layers; the same twice for lateral synapses.
    directed
        Whether they act from source to target only, between free layers too; the way back, if any, is a projection of
        its own.
    learning_rate
        Of the weights; 0 keeps them.
    initial
        How they start.
    connect
        All pairs, if left out.
    bounds
        Interval that weights are kept in.
    delay
        Conduction delay; such a projection runs as native Brian2 Synapses.
    synapse
        Another model than the substrate's.
    """

    source: str
    target: str
    directed: bool = False
    learning_rate: float = Field(ge=0)
    initial: Initial = Initial()
    connect: Connect | None = None
    bounds: tuple[float, float] | None = None
    delay: Time | None = None
    synapse: str | SynapseModel | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.bounds is not None and self.bounds[0] >= self.bounds[1]:
            raise ValueError(f"bounds are {list(self.bounds)}; expected [low, high] with low below high")
        return self


def check_edges(name: str, projection: Projection, layers: dict[str, Layer]) -> None:
    """Refuse listed edges that leave their layers, or connect a unit with itself."""
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
