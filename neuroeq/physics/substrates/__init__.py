"""The physics that relaxes: leaky-integrator rates, spiking neurons and circuits, behind one contract."""

from __future__ import annotations

from typing import Any

from neuroeq.contract import Params, Substrate
from neuroeq.describe.spec import Network
from neuroeq.registry import SUBSTRATES

from .base import PlainSubstrate
from .crossbar import Crossbar
from .neurons import NeuronSubstrate
from .operating_point import at_operating_point, engine_of
from .resistive import Resistive
from .transient import ResistiveInTime


def build(network: Network, params: Params, batch: int, **options: Any) -> Substrate:
    """Return the substrate that a network was resolved for.

    Parameters
    ----------
    network
        Resolved.
    params
        What the synapses hold at first; copied.
    batch
        The largest number of samples that it will be given at a time.
    options
        Options of `Simulation`, such as its engine.

    Raises
    ------
    NeuroeqError
        If the network is not resolved for one substrate, or does not suit the one that it is resolved for.
    """
    return SUBSTRATES.get(network.substrate_name)(network, params, batch, **options)


__all__ = [
    "Crossbar",
    "NeuronSubstrate",
    "PlainSubstrate",
    "Resistive",
    "ResistiveInTime",
    "at_operating_point",
    "build",
    "engine_of",
]
