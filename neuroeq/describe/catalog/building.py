"""Networks that are written in Python, and validated changes of any network."""

from __future__ import annotations

from functools import reduce
from typing import Any

from ..spec import Network
from ..spec.files import Table, overlay
from .changes import as_change
from .loading import validated


def network(name: str = "network", **tables: Any) -> Network:
    """Return a network from the tables that its file would have.

    Parameters
    ----------
    name
        What run folders and messages call it.
    tables
        ``title``, ``data``, ``layers``, ``projections``, ``phases``, ``training``, ``substrate`` and whatever else a
        network file may hold (see docs/models.md), as dictionaries.

    Raises
    ------
    SpecError
        At the first thing that is not allowed, as for a file.

    Examples
    --------
    >>> net = network(
    ...     "two_layers",
    ...     data={"name": "xor", "protocol": "whole"},
    ...     layers={"x": {"size": 2, "role": "input"}, "y": {"size": 2, "role": "output"}},
    ...     projections={"x_y": {"source": "x", "target": "y", "learning_rate": 0.1}},
    ...     phases={"beta": 0.2, "free": {"duration": "20 steps"}, "nudged": {"duration": "10 steps"}},
    ...     training={"epochs": 10, "batch_size": 4},
    ...     substrate={"rate": {"neuron": "hard_sigmoid", "synapse": "rate_derivative"}},
    ... )
    >>> net.layers["y"].size
    2
    """
    where = f"network '{name}'"
    return validated({"title": name, **tables, "name": name}, where).read_from(None, where)


def changed(network: Network, *changes: str | Table) -> Network:
    """Return a network with changes, validated as its file was.

    Parameters
    ----------
    network
        As its file, or `network`, describes it; not resolved for a substrate.
    changes
        As ``"phases.beta=0.5"``, or as tables that are laid over the network's.

    Raises
    ------
    SpecError
        If the changed network is not allowed.

    Examples
    --------
    >>> from neuroeq.describe.catalog import load_network
    >>> changed(load_network("xor"), "phases.beta=0.25", {"training": {"epochs": 3}}).phases.beta
    0.25
    """
    raw = network.model_dump(by_alias=True, exclude_unset=True)
    raw = overlay(raw, reduce(overlay, map(as_change, changes), {}))
    return validated(raw, network.where).read_from(network.path, network.where)
