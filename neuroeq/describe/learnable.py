"""Whether there is anything to learn, and whether it can be told from rounding noise."""

from __future__ import annotations

import numpy as np

from neuroeq.errors import SpecError

from .network import mask, shape
from .spec import Network

FEW = 50
"""The expected number of synapses from which on it is practically impossible that a projection has none."""
SMALLEST_BETA = 100
"""The smallest beta, as a multiple of the rounding error of the states; smaller differences are noise."""


def check_learnable(network: Network) -> None:
    """Refuse projections without a synapse, synapses that nothing changes, and a nudge that rounding hides.

    Parameters
    ----------
    network
        The network, resolved for its substrate.

    Raises
    ------
    SpecError
        If there is one of these.
    """
    smallest = SMALLEST_BETA * float(np.finfo(network.physics.precision).eps)
    if network.phases.beta < smallest:
        raise SpecError(
            f"{network.where}: phases.beta is {network.phases.beta:g}; the difference that it makes is lost in the "
            f"rounding of {network.physics.precision}, so expected at least {smallest:.1g}."
        )
    for name in network.projections:
        _check_connected(network, name)
        if network.kind.models and network.training.learning == "in_situ":
            _check_plastic(network, name)


def _check_connected(network: Network, name: str) -> None:
    connect, (n_pre, n_post) = network.projections[name].connect, shape(network, name)
    if connect is None or (connect.probability or 0.0) * n_pre * n_post >= FEW:
        return
    connected = mask(network, name)
    if connected is not None and not connected.any():
        raise SpecError(
            f"{network.where}: projections.{name} has no synapse; list connect.edges, raise connect.probability, "
            "choose another connect.seed, or leave the projection out."
        )


def _check_plastic(network: Network, name: str) -> None:
    synapse = network.synapse(name)
    code = " ".join((synapse.equations, synapse.on_pre, synapse.on_post))
    if network.projections[name].learning_rate and not synapse.plasticity and "dw" not in code:
        raise SpecError(
            f"{network.where}: projections.{name}.learning_rate is {network.projections[name].learning_rate:g}, and "
            f"nothing in synapse '{synapse.name}' changes dw; give it [[plasticity]], or set the learning rate to 0."
        )
