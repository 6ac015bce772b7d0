"""Substrates, the physics that relaxes: rate equations, spiking neurons and circuits, behind one contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from neuroeq.contract import Substrate
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.params import checked_params
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.randomness import Streams
from neuroeq.registry import SUBSTRATES

from .base import PlainSubstrate
from .crossbar import Crossbar
from .neurons import NeuronSubstrate
from .operating_point import at_operating_point, engine_of
from .resistive import Resistive
from .transient import ResistiveInTime


def build(
    network: Network | str | Path,
    params: Mapping[str, ArrayLike] | None = None,
    batch: int | None = None,
    *,
    substrate: str | None = None,
    hardware: str | None = None,
    settings: Sequence[str | Table] = (),
    seed: int | None = None,
    **options: Any,
) -> Substrate:
    """Return a substrate that is ready to relax.

    Parameters
    ----------
    network
        A network, or its name or path; it is resolved for the substrate, unless it is resolved already.
    params
        The parameters to start with, by projection (n_pre, n_post) and by ``"<layer>.bias"`` (n,), which are copied.
        They are drawn as a run draws its start weights, if left out.
    batch
        The largest number of samples to relax at a time; the batch size of the network if left out.
    substrate, hardware, settings
        The same as for `train`.
    seed
        The seed of parameters that are drawn; that of the network's run if left out, which is 0 by default.
    options
        Options of `Simulation`, such as ``engine``, ``target``, or ``monitored``, the number of samples that can be
        recorded.

    Raises
    ------
    NeuroeqError
        If there is no such network, substrate or hardware, if these do not go together, or if parameters do not fit.

    Examples
    --------
    >>> xor = build("xor", substrate="rate", target="numpy")
    >>> xor.relax([0, 1]).outputs.shape
    (1, 2)
    """
    if isinstance(network, str | Path) or not network.resolved or substrate or hardware or settings:
        network = resolve(network, substrate, settings, hardware)
    if params is None:
        params = initial_params(network, Streams(network.run.seed if seed is None else seed).child("init"))
    batch = network.training.batch_size if batch is None else batch
    return SUBSTRATES.get(network.substrate_name)(network, checked_params(network, params), batch, **options)


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
