"""The plasticity of a network, planned before it is built: which terms of which synapses act between which layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from neuroeq.describe.expressions import identifier
from neuroeq.describe.network import learning_rates
from neuroeq.describe.operators import Operator, operators
from neuroeq.describe.spec import Network, SynapseModel
from neuroeq.errors import EquationError
from neuroeq.units import DIMENSIONLESS, Dimension, kind_of

from ..equations.check import Checker
from .terms import Constant, PlasticSynapse

Key = tuple[str, str]
"""A layer, and an expression of its units."""

BIAS = "<bias>"
"""The clamped unit of value 1 whose weights are the biases."""


@dataclass(frozen=True)
class TermOf:
    """A plasticity term of one projection, in which a function of the clamped value may replace the first factor.

    Parameters
    ----------
    pre, post
        The presynaptic and the postsynaptic factor.
    text
        The presynaptic factor as an expression.
    weight
        Factor of the term in the sum of all terms.
    """

    pre: Key | Constant
    post: Key
    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Plastic:
    """A plastic projection, or a bias.

    Parameters
    ----------
    name
        Name of the projection or bias, as in the parameters.
    synapse
        Its synapse model, with the plasticity terms.
    source
        Name of the presynaptic layer.
    operator
        The projection, or the bias, as a linear map.
    terms
        The terms of its hebb, without those that a clamped source makes 0.
    """

    name: str
    synapse: PlasticSynapse
    source: str
    operator: Operator
    terms: tuple[TermOf, ...]

    @property
    def keys(self) -> set[Key]:
        """The factors of moving layers that its terms read."""
        return {key for term in self.terms for key in (term.pre, term.post) if not callable(key)}

    def check(self, neurons: Mapping[str, Checker]) -> Dimension:
        """Return the dimension of its hebb, for what each layer's checker knows of its units.

        Raises
        ------
        EquationError
            If terms differ in their dimension, or the synapse's equations do not fit them.
        """
        dimensions = {self._dimension(term, neurons) for term in self.terms}
        if len(dimensions) > 1:
            kinds = " and ".join(sorted(kind_of(dimension) for dimension in dimensions))
            raise EquationError(f"{self.synapse.model.where}: plasticity terms add {kinds}; expected one dimension.")
        hebb = dimensions.pop() if dimensions else DIMENSIONLESS
        self.synapse.check_equations(hebb)
        return hebb

    def _dimension(self, term: TermOf, neurons: Mapping[str, Checker]) -> Dimension:
        neuron = neurons[term.post[0]]
        clamped = Checker(self.synapse.model.where, {"spike": DIMENSIONLESS}, {}, neuron.components)
        pre = self.synapse.check(clamped if callable(term.pre) else neurons[term.pre[0]], term.text)
        post = self.synapse.check(neuron, term.post[1])
        return tuple(a + b for a, b in zip(pre, post, strict=True))  # type: ignore[return-value]


def native_names(network: Network) -> list[str]:
    """Return the projections that run as Brian2 Synapses."""
    return [
        name
        for name, projection in network.projections.items()
        if network.synapse(name).native or projection.delay is not None
    ]


def plan(network: Network, dt: float, maps: Mapping[str, Operator] | None = None) -> list[Plastic]:
    """Return the plastic projections and biases of a resolved network with steps of `dt` [s].

    Parameters
    ----------
    network
        The network, resolved for its substrate.
    dt
        Length of an integration step. [s]
    maps
        The projections as linear maps, if they are at hand.

    Raises
    ------
    EquationError
        If the traces of a synapse model do not parse, or a factor makes no sense on a clamped input.
    """
    made: list[PlasticSynapse] = []
    plastics, maps = [], maps or operators(network)
    for name, rate in learning_rates(network).items():
        source, target, model = _ends(network, name)
        if not rate or not model.plasticity:
            continue
        synapse = next((synapse for synapse in made if synapse.model == model), None)
        if synapse is None:
            synapse = PlasticSynapse(model, f"{_prefix(model.name)}_{len(made)}")
            made.append(synapse)
        clamped = source == BIAS or network.neuron(source) is None
        two_way = name in network.projections and network.symmetric(name) and model.feedback is None
        neuron = network.neuron(target)
        assert neuron is not None
        given = (dt, list(neuron.components)) if clamped else None
        terms = _both_ways(synapse, source, target) if two_way else _one_way(synapse, source, target, given)
        plastics.append(Plastic(name, synapse, source, maps[name], tuple(terms)))
    return plastics


def _prefix(name: str) -> str:
    """Return the name of a model if it can be part of the names of variables, else a common one."""
    try:
        return identifier(name)
    except ValueError:
        return "synapse"


def _ends(network: Network, name: str) -> tuple[str, str, SynapseModel]:
    """Return the layers and the model of a projection; a bias learns as the first plastic one into its layer."""
    if name in network.projections:
        projection = network.projections[name]
        return projection.source, projection.target, network.synapse(name)
    layer = name.removesuffix(".bias")
    models = [network.synapse(projection) for projection in network.into(layer)]
    models += [network.physics.synapse] if isinstance(network.physics.synapse, SynapseModel) else []
    return BIAS, layer, next((model for model in models if model.plasticity), models[0])


def met_by(network: Network, name: str) -> dict[str, str]:
    """Return what the change of a weight or bias multiplies: postsynaptic components, by what is sent forward."""
    met = _ends(network, name)[2].met
    return {"activity": "activity"} if "spike" in met else met


def _one_way(
    synapse: PlasticSynapse, source: str, target: str, given: tuple[float, list[str]] | None
) -> Iterable[TermOf]:
    """Return the terms of directed weights; `given` is the step and what units transmit, if the source is clamped."""
    for pre, post in synapse.terms:
        if given is None:
            yield TermOf((source, pre), (target, post), pre)
        elif (constant := synapse.clamped(pre, *given)) is not None:
            yield TermOf(constant, (target, post), pre)


def _both_ways(synapse: PlasticSynapse, source: str, target: str) -> Iterable[TermOf]:
    """Return the terms of one weight that serves both directions: the mean of what they say for each.

    A symmetric rule has each term's mirror image already; of an antisymmetric one nothing is left.
    """
    weights: dict[tuple[str, str], float] = {}
    for pre, post in synapse.terms:
        for pair in ((pre, post), (post, pre)):
            weights[pair] = weights.get(pair, 0.0) + 0.5
    for (pre, post), weight in weights.items():
        yield TermOf((source, pre), (target, post), pre, weight)
