"""Figures as SVG within an HTML page, which needs no other files and no identifier that two figures share."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from neuroeq.describe.network import oscillating
from neuroeq.runs.analysis import conductances, segments, weight_history
from neuroeq.runs.comparison import Comparison
from neuroeq.runs.run import Run

from .comparison import accuracy_and_energy, gradient_cosines, learning_curves
from .hardware import histogram
from .over_epochs import weights
from .over_time import plasticity, raster
from .phases import coherence
from .style import SMALL_STYLE, STYLE

WIDTH = 4.8
"""Width of a figure, chosen so that its text can be read on a telephone. [in]"""
MANY = 1500
"""Number of marks of one kind above which they are embedded as a bitmap, which keeps the page small."""


@dataclass(frozen=True)
class Inline:
    """A figure of a page.

    Parameters
    ----------
    title
        A title that says what the figure shows.
    svg
        The figure as the text of an SVG file.
    """

    title: str
    svg: str


def comparison_figures(comparison: Comparison) -> Iterator[Inline]:
    """Yield the figures of the report of a comparison, drawn from its run folders."""
    n = sum(mean.mean["cosine_start"] is not None for mean in comparison.means)
    below = 0.22 * -(-len(comparison.means) // 3)
    yield inline("Learning curves", 2.9 + below, partial(learning_curves, comparison))
    if n:
        yield inline("How well updates point along the gradient", 1.1 + 0.38 * n, partial(gradient_cosines, comparison))
    if any(row.energy_per_inference_J and row.accuracy is not None for row in comparison.done):
        yield inline("Accuracy and energy", 2.9 + below, partial(accuracy_and_energy, comparison))
    for name in dict.fromkeys(row.cell for row in comparison.done):
        row = next(row for row in comparison.done if row.cell == name)
        yield from _of_run(name, comparison.run(row))


def _of_run(name: str, run: Run) -> Iterator[Inline]:
    """Yield the figures of one cell: the conductances of its devices, and its spikes and weights if it spikes."""
    if run.network.kind.on_devices:
        for projection in conductances(run):
            yield inline(f"{name}: conductances", 2.7, partial(histogram, run, projection))
    if oscillating(run.network):
        yield inline(f"{name}: coherence of each layer, after training", 2.7, partial(coherence, run))
    if run.result["spikes_per_inference"] is None:
        return
    yield inline(f"{name}: spikes of one example, after training", 4.4, partial(raster, run))
    changed = segments(run)[-1].change
    for projection in weight_history(run)[1]:
        if projection in changed:
            yield inline(
                f"{name}: what synapses accumulate in the nudged phases, before training",
                2.7,
                partial(plasticity, run, projection),
            )
        yield inline(
            f"{name}: weights over training",
            2.7,
            partial(weights, run, projection),
        )


def inline(title: str, height: float, draw: Callable[..., Any], width: float = WIDTH) -> Inline:
    """Return a figure of a page.

    Parameters
    ----------
    title
        A title that says what it shows.
    height, width
        The size of the figure, before it is scaled to the page [in].
    draw
        A function that draws into the argument ``axes``.
    """
    with mpl.rc_context({**(STYLE if width == WIDTH else SMALL_STYLE), "svg.hashsalt": title}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots()
        draw(axes=axes)
        for collection in axes.collections:
            if len(collection.get_paths()) > MANY:
                collection.set_rasterized(True)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return Inline(title, file.getvalue())


def embedded(svg: str, prefix: str, label: str) -> str:
    """Return an SVG file as an element of an HTML page.

    Parameters
    ----------
    svg
        The text of the file, as Matplotlib writes it.
    prefix
        Prefix of all identifiers in the figure, which makes them unique in the page.
    label
        A description for readers who cannot see the figure, already escaped for HTML.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}-", svg)
    svg = re.sub(r'xlink:href="#', f'href="#{prefix}-', svg).replace("xlink:href", "href")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
