"""Which equations and projections can be written as compiled code: dense products, and synapses that only integrate."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from neuroeq.describe.operators import Sparse, operators
from neuroeq.describe.spec import Network, NeuronModel
from neuroeq.errors import EquationError

from ..assembly import time_step
from ..equations.field import Field
from ..equations.symbols import symbol
from ..noise import drawn_by_brian
from ..plasticity.plan import native_names
from ..strength import reads_strength
from .updates import unsupported_synapses

LARGE = 200_000
"""Pairs of units from which the sparse products of few connections are faster than dense ones."""


def sparse_products(network: Network) -> dict[str, Sparse]:
    """Return the synapses of the projections whose compiled products run over them alone."""
    found = operators(network)
    return {name: each for name, each in found.items() if isinstance(each, Sparse) and prod(each.ends) >= LARGE}


def layouts(network: Network) -> list[np.ndarray]:
    """Return five arrays of 32-bit integers for each of these projections, as the library takes them.

    Where the synapses of each first unit start, and their second units; where those of each second unit start, their
    first units, and their places in the former order.
    """
    arrays: list[np.ndarray] = []
    for edges in sparse_products(network).values():
        places = np.argsort(edges.post, kind="stable")
        sizes = [np.bincount(each, minlength=n) for each, n in zip((edges.pre, edges.post), edges.ends, strict=True)]
        starts, back_starts = (np.concatenate([[0], np.cumsum(each)]) for each in sizes)
        arrays += [starts, edges.post, back_starts, edges.pre[places], places]
    return [each.astype(np.int32) for each in arrays]


def unsupported(network: Network) -> Iterator[str]:
    """Yield a sentence for each layer, projection or model with which a network cannot be trained by compiled code.

    Parameters
    ----------
    network
        A network that was resolved for neurons.
    """
    yield from _unsupported(network)
    if network.training.rule == "vector_field":
        yield from _without_slope(network)
    for name in native_names(network):
        if network.synapse(name).native:
            yield f"projections.{name} runs as Brian2 Synapses"
    for layer, model in _models(network):
        if reads_strength(model):
            yield f"neuron '{model.name}' of layer '{layer}' reads the sum of its weights"


def _without_slope(network: Network) -> Iterator[str]:
    if network.kind.pairs:
        yield "training.rule is 'vector_field' on a circuit"
    for _, model in _models(network):
        try:
            drive_slope(model)
        except EquationError as error:
            yield f"training.rule is 'vector_field', and {error}"


def _models(network: Network) -> list[tuple[str, NeuronModel]]:
    return [(layer, model) for layer in network.layers if (model := network.neuron(layer)) is not None]


def unsupported_phases(network: Network) -> Iterator[str]:
    """Yield a sentence for each layer, projection or model whose phases cannot run as compiled code."""
    yield from (f"projections.{name} runs as Brian2 Synapses" for name in native_names(network))
    yield from _unsupported(network)


def drive_slope(model: NeuronModel) -> str:
    """Return the derivative of a unit's rate of change in its drive as C++, which may name its state; 1 for spikes.

    Raises
    ------
    EquationError
        If it depends on more than the state, or the model is no rate model with one state.
    """
    if model.emits == "spikes":
        return "1"
    import sympy

    if model.vector:
        raise EquationError(f"{model.where}: its activity has the components {', '.join(model.components)}")
    field = Field(model)
    slope = field.rate.diff(symbol("drive"))
    if not slope.free_symbols <= {field.state}:
        raise EquationError(f"{model.where}: the slope of its rate of change in the drive is no function of its state")
    return str(sympy.ccode(slope))


def _unsupported(network: Network) -> Iterator[str]:
    for name in network.projections:
        if network.synapse(name).diffusive:
            yield f"projections.{name} transmits differences"
        if network.synapse(name).random:
            yield f"projections.{name} draws random numbers"
    for layer, model in _models(network):
        if drawn_by_brian(model):
            yield f"neuron '{model.name}' of layer '{layer}' draws random numbers other than rand() and randn()"
    yield from unsupported_synapses(network, time_step(network))
