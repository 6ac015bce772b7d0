"""A substrate to work with by hand, whose weights are written into the devices of a chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from neuroeq.contract import Substrate
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.physics import substrates
from neuroeq.randomness import Streams

from .weight_store import WeightStore


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
    """Return the substrate of a network; on hardware, its weights are those that the devices of a chip hold.

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
        The seed of parameters that are drawn, and of the chip: its devices, their programming, and one reading of
        them; that of the network's run if left out, which is 0 by default.
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
    streams = Streams(network.run.seed if seed is None else seed)
    if params is None:
        params = initial_params(network, streams.child("init"))
    built = substrates.build(network, params, batch, **options)
    store = WeightStore(network, dict(built.params), {}, streams)
    if store.chip is not None:
        built.hold(store.effective(streams.child("read")))
    return built
