"""Substrates, the physics that relaxes: rate equations, spiking neurons and circuits, behind one contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from neuroeq.contract import Substrate
from neuroeq.describe.params import checked_params
from neuroeq.describe.spec import Network
from neuroeq.registry import SUBSTRATES

from .base import PlainSubstrate
from .crossbar import Crossbar
from .neurons import NeuronSubstrate
from .op_amps import OP_AMP, on_crossbar
from .operating_point import at_operating_point, engine_of
from .oscillator import with_disorder
from .resistive import Resistive
from .transient import ResistiveInTime


def build(network: Network, params: Mapping[str, ArrayLike], batch: int | None = None, **options: Any) -> Substrate:
    """Return the substrate of a resolved network; a circuit has exactly these parameters, whatever its devices are.

    Parameters
    ----------
    network
        The network, resolved for the substrate.
    params
        The parameters to start with, by projection (n_pre, n_post) and by ``"<layer>.bias"`` (n,), which are copied.
    batch
        The largest number of samples to relax at a time; the batch size of the network if left out.
    options
        Options of `Simulation`, such as ``engine`` or ``target``.

    Raises
    ------
    NeuroeqError
        If the network cannot be such a substrate, or parameters do not fit.
    """
    batch = network.training.batch_size if batch is None else batch
    return SUBSTRATES.get(network.substrate_name)(network, checked_params(network, params), batch, **options)


def simulated(network: Network) -> Network:
    """Return the network whose equations Brian2 is given for a resolved one, or for itself."""
    if network.substrate_name == "oscillator":
        return with_disorder(network)
    model = network.physics.neuron
    rates = network.substrate_name == "crossbar" and not getattr(model, "name", "").endswith(OP_AMP)
    return on_crossbar(network) if rates else network


__all__ = [
    "Crossbar",
    "NeuronSubstrate",
    "PlainSubstrate",
    "Resistive",
    "ResistiveInTime",
    "at_operating_point",
    "build",
    "engine_of",
    "simulated",
]
