"""What each parameter learns from: factors of its two layers, noted at every step or at the end of a phase.

    change = 1/m sum over phases  slope  sum over terms  weight  sum over samples  pre_i post_j

In situ the sum also runs over the steps of a nudged phase, and the slope is that of the synapse's equation times dt. A
contrast notes activities once, where a phase ends, with the phase's weight as its slope. The factor of a clamped input
is a number times its value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from neuroeq.describe.network import learning_rates
from neuroeq.describe.spec import Network

from ..plasticity.plan import BIAS, Key, Plastic, TermOf, plan
from ..plasticity.terms import PlasticSynapse

Array = np.ndarray
PROBES = np.array([[0.0, 1.0, -0.7, 0.3]])
"""Values of an input at which its factor is compared with a multiple of it."""


@dataclass(frozen=True)
class Noted:
    """A product of two factors.

    Parameters
    ----------
    pre
        Its presynaptic factor; None for the value of a clamped input, or the 1 of a bias.
    post
        Its postsynaptic factor.
    weight
        How often it counts.
    """

    pre: Key | None
    post: Key
    weight: float = 1.0


@dataclass(frozen=True)
class Learned:
    """A parameter that learns.

    Parameters
    ----------
    name
        Of a projection or a bias.
    terms
        What it notes.
    synapse
        Whose equation integrates them; None in a contrast.
    """

    name: str
    terms: tuple[Noted, ...]
    synapse: PlasticSynapse | None = None

    @property
    def clamped(self) -> bool:
        """Whether it comes from what is fixed in a phase, an input or the 1 of a bias."""
        return any(term.pre is None for term in self.terms)

    def slope(self, gain: float, dt: float) -> float:
        """Return what the synapse's equation multiplies the sum over steps of `dt` with, in a phase of a gain."""
        if self.synapse is None:
            return gain
        slope = self.synapse.linear_gain(gain)
        assert slope is not None
        return slope * dt


def learned(network: Network, dt: float) -> list[Learned]:
    """Return the parameters that learn with steps of `dt` [s], of a resolved network with nothing `beyond`."""
    if network.training.learning == "in_situ":
        return [_integrated(plastic) for plastic in plan(network, dt)]
    return [_contrasted(network, name) for name, rate in learning_rates(network).items() if rate]


def beyond(network: Network, dt: float) -> Iterator[str]:
    """Yield what its synapses do that compiled ones do not: more than integrate, or read inputs but as multiples."""
    for plastic in plan(network, dt) if network.training.learning == "in_situ" else []:
        if plastic.synapse.linear_gain(1.0) is None:
            yield f"synapse '{plastic.synapse.model.name}' does more than integrate hebb"
        for term in plastic.terms:
            if callable(term.pre) and _multiple(plastic, term) is None:
                yield f"projections.{plastic.name} learns by '{term.text}', which is no multiple of an input's value"


def slopes(all_learned: Sequence[Learned], gains: Sequence[float], dt: float) -> Array:
    """Return the slope of every parameter in the free phase and the nudged ones: (1 + n_nudged, n_learned)."""
    rows = [[-sum(gains) if each.synapse is None else 0.0 for each in all_learned]]
    rows += [[each.slope(gain, dt) for each in all_learned] for gain in gains]
    return np.array(rows)


def _contrasted(network: Network, name: str) -> Learned:
    if name not in network.projections:
        return Learned(name, (Noted(None, (name.removesuffix(".bias"), "activity")),))
    ends = network.projections[name]
    pre = None if ends.source == network.input_layer else (ends.source, "activity")
    return Learned(name, (Noted(pre, (ends.target, "activity")),))


def _integrated(plastic: Plastic) -> Learned:
    return Learned(plastic.name, tuple(_noted(plastic, term) for term in plastic.terms), plastic.synapse)


def _noted(plastic: Plastic, term: TermOf) -> Noted:
    if not callable(term.pre):
        return Noted(term.pre, term.post, term.weight)
    multiple = _multiple(plastic, term)
    assert multiple is not None
    return Noted(None, term.post, term.weight * multiple)


def _multiple(plastic: Plastic, term: TermOf) -> float | None:
    """Return what a term makes of an input of 1, if of any other it makes as many times that."""
    assert callable(term.pre)
    values = np.ones((1, 1)) if plastic.source == BIAS else PROBES
    found = np.asarray(term.pre(values), float)
    multiple = float(np.asarray(term.pre(np.ones((1, 1))), float)[0, 0])
    return multiple if np.allclose(found, multiple * values, rtol=1e-12, atol=0) else None
