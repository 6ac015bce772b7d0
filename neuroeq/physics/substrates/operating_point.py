"""Which engine runs a network, and the same network at operating points where it ran in time."""

from __future__ import annotations

from neuroeq.describe.spec import Network


def at_operating_point(network: Network) -> Network:
    """Return a resistor network that ran in time as one that is solved; any other network as it is."""
    if network.kind.engine != "operating_point":
        return network
    training = network.training.model_copy(update={"learning": "contrastive"})
    options = network.run.model_copy(update={"engine": "operating_point"})
    return network.model_copy(update={"training": training, "run": options})


def engine_of(network: Network) -> str:
    """Return what advances a resolved network: what it asks for, or its substrate's own."""
    return network.run.engine or network.kind.engine
