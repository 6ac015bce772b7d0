"""The engine of a network, and the change of a network from simulation in time to operating points."""

from __future__ import annotations

from neuroeq.describe.spec import Network


def at_operating_point(network: Network) -> Network:
    """Return a network of resistors with the engine ``"operating_point"``; return any other network as it is."""
    if network.kind.engine != "operating_point":
        return network
    training = network.training.model_copy(update={"learning": "contrastive"})
    options = network.run.model_copy(update={"engine": "operating_point"})
    return network.model_copy(update={"training": training, "run": options})


def engine_of(network: Network) -> str:
    """Return the engine of a resolved network: the one it asks for, or the default of its substrate."""
    return network.run.engine or network.kind.engine
