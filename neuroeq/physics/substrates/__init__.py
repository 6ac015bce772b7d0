"""The physics that relaxes: leaky-integrator rates, spiking neurons and circuits, behind one contract."""

from __future__ import annotations

from typing import Any

from neuroeq.contract import Params
from neuroeq.describe.spec import Network

from .crossbar import Crossbar
from .neurons import NeuronSubstrate
from .resistive import Resistive
from .transient import ResistiveInTime


def at_operating_point(network: Network) -> Network:
    """Return a resistor network that ran in time as one that is solved; any other as it is."""
    if not network.resistive:
        return network
    training = network.training.model_copy(update={"learning": "contrastive"})
    options = network.run.model_copy(update={"engine": "operating_point"})
    return network.model_copy(update={"training": training, "run": options})


def engine_of(network: Network) -> str:
    """Return what advances a resolved network: what it asks for, or its substrate's own."""
    return network.run.engine or ("operating_point" if network.resistive else "stepper")


AnySubstrate = NeuronSubstrate | Resistive


def build(network: Network, params: Params, batch: int, **options: Any) -> AnySubstrate:
    """Return the substrate that a network was resolved for.

    Parameters
    ----------
    network
        Resolved.
    params
        What the synapses hold at first.
    batch
        Samples at most.
    options
        Of `Simulation`.
    """
    match network.substrate_name:
        case "crossbar":
            return Crossbar(network, params, batch, **options)
        case "resistive" if options.get("engine") in ("stepper", "reference"):
            return ResistiveInTime(network, params, batch, **options)
        case "resistive":
            return Resistive(network, params, batch, **options)
        case _:
            return NeuronSubstrate(network, params, batch, **options)


__all__ = [
    "AnySubstrate",
    "Crossbar",
    "NeuronSubstrate",
    "Resistive",
    "ResistiveInTime",
    "at_operating_point",
    "build",
    "engine_of",
]
