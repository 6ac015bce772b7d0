"""A network layer by layer: its shapes, what arrives at it, and how many weights and biases it learns from data."""

from __future__ import annotations

import numpy as np

from neuroeq.describe.network import biases, mask, nodes, weight_shape
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.graph import Projection

HEAD = ("layer", "shape", "from", "projection", "weights", "biases")


def summary(network: Network) -> list[str]:
    """Return the lines of a table with a line for each layer, and one for each further projection into it.

    Parameters
    ----------
    network
        The network, resolved for a substrate or not; if it is not, layers have the sizes that the file begins with.
    """
    if not network.resolved:
        network = network.model_copy(update={"substrate": {"rate": next(iter(network.substrate.values()))}})
    rows, weights, shared = [], 0, 0
    for name, layer in network.layers.items():
        learned = 0 if layer.role == "input" or not layer.bias else biases(network, name)
        cells = [name, " × ".join(map(str, layer.shape or (nodes(network, name),)))]
        shared += learned
        arriving = [key for key, projection in network.projections.items() if projection.target == name]
        if not arriving:
            rows.append([*cells, "", "", "", _number(learned)])
        for key in arriving:
            count = _weights(network, key)
            weights += count
            projection = network.projections[key]
            rows.append([*cells, projection.source, _kind(projection), _number(count), _number(learned)])
            cells, learned = ["", ""], 0
    total = ["total", "", "", f"{weights + shared:,} parameters", _number(weights), _number(shared)]
    return _aligned([list(HEAD), *rows, total])


def _weights(network: Network, name: str) -> int:
    """Return the number of weights of a projection; a lateral one that acts both ways has one for each pair."""
    projection, connected = network.projections[name], mask(network, name)
    if connected is None:
        return int(np.prod(weight_shape(network, name)))
    shared = projection.source == projection.target and not projection.directed
    return int(np.count_nonzero(connected)) // (2 if shared else 1)


def _kind(projection: Projection) -> str:
    """Return how a projection connects its layers, in words."""
    if projection.kind == "dense":
        words = ["dense" if projection.connect is None else "sparse"]
    else:
        words = [f"conv {projection.kernel} × {projection.kernel}"]
        words += [f"stride {projection.stride}"] if projection.stride > 1 else []
        words += [f"padding {projection.padding}"] if projection.padding else []
        words += [f"{projection.pool} of 2 × 2"] if projection.pool != "none" else []
    return ", ".join([*words, *(["directed"] if projection.directed else [])])


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _aligned(rows: list[list[str]]) -> list[str]:
    """Return rows as lines, with words on the left of their columns and numbers on the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return [
        "  ".join(
            cell.rjust(width) if column >= len(HEAD) - 2 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
