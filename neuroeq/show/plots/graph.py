"""The graph of a network: its layers, from the input on the left, and the projections between them."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.axes import Axes

from neuroeq.describe.spec import Network

from .style import COLOURS, new_axes, plain

ROLES = {"input": COLOURS[5], "hidden": COLOURS[0], "output": COLOURS[1]}


def graph(network: Network, axes: Axes | None = None) -> Axes:
    """Draw the layers of a network as boxes with their sizes, and projections as arrows in the directions they act in.

    Parameters
    ----------
    network
        The network, resolved for a substrate or not.
    axes
        The axes to draw into; those of a new figure if left out.
    """
    axes = axes or new_axes()
    places = _places(network)
    for name, (x, y) in places.items():
        layer = network.layers[name]
        size = str(layer.size) if layer.shape is None else "×".join(map(str, layer.shape))
        box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": ROLES[layer.role], "linewidth": 1.3}
        axes.text(x, y, plain(f"{name}\n{size}"), ha="center", va="center", bbox=box, zorder=2)
    for projection in network.projections.values():
        source, target = places[projection.source], places[projection.target]
        one_way = projection.directed or projection.source == network.input_layer
        style = {"arrowstyle": "-|>" if one_way else "<|-|>", "color": "0.35", "shrinkA": 24, "shrinkB": 24}
        far = abs(source[0] - target[0]) > 1 or projection.source == projection.target
        style["connectionstyle"] = f"arc3,rad={-0.35 if far else 0}"
        if projection.source != projection.target:
            axes.annotate("", target, source, arrowprops=style, zorder=1)
        else:
            size = 1.3 * mpl.rcParams["font.size"]
            axes.text(source[0], source[1] + 0.42, "⟲", ha="center", va="center", color="0.35", fontsize=size)
    axes.set_axis_off()
    across, up = zip(*places.values(), strict=True)
    axes.set_xlim(min(across) - 0.45, max(across) + 0.45)
    axes.set_ylim(min(up) - 0.7, max(up) + 0.7)
    return axes


def graph_size(network: Network) -> tuple[float, float]:
    """Return a width and a height that suit the graph of a network [in]."""
    across, up = zip(*_places(network).values(), strict=True)
    return 0.95 * (max(across) + 1) + 0.4, 0.7 * (max(up) - min(up) + 1) + 0.4


def _places(network: Network) -> dict[str, tuple[float, float]]:
    """Return where each layer stands: as many steps from the input as the shortest way has, the output last."""
    steps = {network.input_layer: 0}
    ends = [(each.source, each.target) for each in network.projections.values()]
    for _ in network.layers:
        for source, target in [*ends, *((target, source) for source, target in ends)]:
            if source in steps:
                steps[target] = min(steps.get(target, len(network.layers)), steps[source] + 1)
    last = max([step for name, step in steps.items() if name != network.output_layer], default=0)
    steps[network.output_layer] = last + 1
    columns: dict[int, list[str]] = {}
    for name in network.layers:
        columns.setdefault(steps.get(name, 1), []).append(name)
    return {
        name: (float(step), (len(names) - 1) / 2 - row)
        for step, names in columns.items()
        for row, name in enumerate(names)
    }
