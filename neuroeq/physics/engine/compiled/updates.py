"""What each parameter learns from: products of factors of its two layers, summed over the steps or once a phase.

    change = 1/m sum over phases  slope  sum over terms  weight  sum over samples  pre_i post_j

In-situ learning also sums over the steps of a nudged phase, and its slope is that of the synapse's equation times dt.
Contrastive learning takes activities once, at the end of a phase, and its slope is the weight of the phase. The factor
of a clamped input has to be a multiple of the input's value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from neuroeq.describe.network import learning_rates
from neuroeq.describe.spec import Network

from ..plasticity.plan import BIAS, Key, Plastic, TermOf, met_by, plan
from ..plasticity.terms import PlasticSynapse

Array = np.ndarray
FREE, MOVED = "free_activity", "moved_state"
"""What stands for the activity at the free equilibrium, and for a state times its slope in the drive there."""
PROBES = np.array([[0.0, 1.0, -0.7, 0.3]])
"""Values of an input at which its factor is checked to be a multiple of the value."""


@dataclass(frozen=True)
class Product:
    """A presynaptic factor times a postsynaptic one.

    Parameters
    ----------
    pre
        Layer and variable of the presynaptic factor; None for the value of a clamped input, or the 1 of a bias.
    post
        Layer and variable of the postsynaptic factor.
    weight
        Number that the product is multiplied by in the sum.
    """

    pre: Key | None
    post: Key
    weight: float = 1.0


@dataclass(frozen=True)
class ParameterUpdate:
    """A parameter that learns, and the products that it learns from.

    Parameters
    ----------
    name
        Name of the parameter: a projection, or a layer followed by ``.bias``.
    terms
        The products that are summed.
    synapse
        The synapse whose equation integrates them; None in contrastive learning.
    """

    name: str
    terms: tuple[Product, ...]
    synapse: PlasticSynapse | None = None

    @property
    def clamped(self) -> bool:
        """Whether a presynaptic factor is constant during a phase: a clamped input, or the 1 of a bias."""
        return any(term.pre is None for term in self.terms)

    def slope(self, gain: float, dt: float) -> float:
        """Return the factor of the sum over the steps of a phase.

        Parameters
        ----------
        gain
            Gain of the phase in the estimate of the gradient.
        dt
            Length of a step [s].
        """
        if self.synapse is None:
            return gain
        slope = self.synapse.linear_gain(gain)
        assert slope is not None
        return slope * dt


def parameter_updates(network: Network, dt: float) -> list[ParameterUpdate]:
    """Return the parameters that learn, in steps of `dt` [s], of a network that the compiled trainer allows."""
    if network.training.learning == "in_situ":
        return [_integrated(plastic) for plastic in plan(network, dt)]
    contrast = _moved if network.training.rule == "vector_field" else _contrasted
    return [contrast(network, name) for name, rate in learning_rates(network).items() if rate]


def unsupported_synapses(network: Network, dt: float) -> Iterator[str]:
    """Yield a sentence for each synapse that does not just integrate products, or uses no multiple of an input."""
    for plastic in plan(network, dt) if network.training.learning == "in_situ" else []:
        if plastic.synapse.linear_gain(1.0) is None:
            yield f"synapse '{plastic.synapse.model.name}' does more than integrate hebb"
        for term in plastic.terms:
            if callable(term.pre) and _multiple(plastic, term) is None:
                yield f"projections.{plastic.name} learns by '{term.text}', which is no multiple of an input's value"


def slopes(updates: Sequence[ParameterUpdate], gains: Sequence[float], dt: float) -> Array:
    """Return the slope of every parameter in the free phase and the nudged ones: (1 + n_nudged, n_updates)."""
    rows = [[-sum(gains) if each.synapse is None else 0.0 for each in updates]]
    rows += [[each.slope(gain, dt) for each in updates] for gain in gains]
    return np.array(rows)


def _contrasted(network: Network, name: str) -> ParameterUpdate:
    weights = name in network.projections
    target = network.projections[name].target if weights else name.removesuffix(".bias")
    model = network.neuron(target)
    assert model is not None
    met = met_by(network, name)
    if not weights or network.projections[name].source == network.input_layer:
        return ParameterUpdate(name, (Product(None, (target, met[next(iter(model.components))])),))
    source = network.projections[name].source
    return ParameterUpdate(name, tuple(Product((source, pre), (target, post)) for pre, post in met.items()))


def _moved(network: Network, name: str) -> ParameterUpdate:
    """Return the products of a vector-field rule, for both directions that a weight serves."""
    if name not in network.projections:
        return ParameterUpdate(name, (Product(None, (name.removesuffix(".bias"), MOVED)),))
    ends = network.projections[name]
    if ends.source == network.input_layer and network.neuron(network.input_layer) is None:
        return ParameterUpdate(name, (Product(None, (ends.target, MOVED)),))
    back = (Product((ends.source, MOVED), (ends.target, FREE)),) if network.symmetric(name) else ()
    return ParameterUpdate(name, (Product((ends.source, FREE), (ends.target, MOVED)), *back))


def _integrated(plastic: Plastic) -> ParameterUpdate:
    return ParameterUpdate(plastic.name, tuple(_product(plastic, term) for term in plastic.terms), plastic.synapse)


def _product(plastic: Plastic, term: TermOf) -> Product:
    if not callable(term.pre):
        return Product(term.pre, term.post, term.weight)
    multiple = _multiple(plastic, term)
    assert multiple is not None
    return Product(None, term.post, term.weight * multiple)


def _multiple(plastic: Plastic, term: TermOf) -> float | None:
    """Return the factor by which a term multiplies an input, or None if it is not a multiple of the input."""
    assert callable(term.pre)
    values = np.ones((1, 1)) if plastic.source == BIAS else PROBES
    found = np.asarray(term.pre(values), float)
    multiple = float(np.asarray(term.pre(np.ones((1, 1))), float)[0, 0])
    return multiple if np.allclose(found, multiple * values, rtol=1e-12, atol=0) else None
