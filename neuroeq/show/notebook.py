"""What notebooks show of networks, runs and comparisons: their text on one screen, and a small figure beside it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any, NamedTuple

from neuroeq.describe.spec import Network
from neuroeq.errors import NeuroeqError
from neuroeq.runs.comparison import Comparison
from neuroeq.runs.run import Run

from .plots import accuracy_and_energy, embedded, graph, graph_size, inline, learning, learning_curves, raster

WIDTH, HEIGHT = 3.6, 2.2
"""The usual size of the figures [in]."""


class Figure(NamedTuple):
    """A figure of a page.

    Parameters
    ----------
    title
        What it shows, for readers who cannot see it.
    draw
        A function that draws into the argument ``axes``.
    height, width
        The size of the figure on the page [in].
    """

    title: str
    draw: Callable[..., Any]
    height: float = HEIGHT
    width: float = WIDTH


def network_page(network: Network) -> str:
    """Return a network with its graph, as HTML."""
    width, height = graph_size(network)
    return _page(network, Figure("Graph of the network", partial(graph, network), height, width))


def run_page(run: Run) -> str:
    """Return a run with its learning curve, and with the spikes of its first sample where there are any, as HTML."""
    figures = [Figure("Errors over training", partial(learning, run))]
    if run.network.kind.spikes:
        figures.append(Figure("Spikes of the first recorded sample", partial(raster, run)))
    return _page(run, *figures)


def comparison_page(comparison: Comparison) -> str:
    """Return a comparison as HTML: accuracies and energies if several cells have these, or else learning curves."""
    height = 2.2 + 0.2 * len(comparison.means)
    if sum(row.mean["energy_per_inference_J"] is not None for row in comparison.means) > 1:
        return _page(comparison, Figure("Accuracy and energy", partial(accuracy_and_energy, comparison), height))
    return _page(comparison, Figure("Learning curves", partial(learning_curves, comparison), height))


def _page(shown: object, *figures: Figure) -> str:
    """Return text and figures beside each other; a figure that has no data is left out."""
    parts = [f'<pre style="margin: 0">{escape(repr(shown))}</pre>']
    for figure in figures:
        try:
            svg = inline(figure.title, figure.height, figure.draw, figure.width).svg
            parts.append(embedded(svg, f"n{uuid.uuid4().hex[:8]}", escape(figure.title)))
        except NeuroeqError:
            continue
    style = "display: flex; flex-wrap: wrap; gap: 1.5em; align-items: flex-start"
    return f'<div style="{style}">{"".join(f"<div>{part}</div>" for part in parts)}</div>'
