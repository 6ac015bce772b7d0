"""Writes the C++ of the products of projections: dense, sparse and convolutional ones."""

from __future__ import annotations

from ..coupling import Coupling
from .code_context import CodeContext

FEW = 32
"""Number of columns below which spikes are multiplied as a dense matrix, like any other numbers."""


def stored(context: CodeContext) -> tuple[list[str], list[str], list[str]]:
    """Return what stores sparse and convolutional projections, and the lines that connect and hold their weights."""
    names = list(enumerate(context.sparse))
    storage = [f"static Synapses<{', '.join(map(str, context.shape(name)))}> edges_{name};" for _, name in names]
    connecting = [f"edges_{name}.connect(edges + {5 * index});" for index, name in names]
    holding = [f"edges_{name}.hold({context.held(name)});" for _, name in names]
    for name, geometry in context.convolutions.items():
        sizes = (*geometry.before, *geometry.after, geometry.kernel, geometry.stride, geometry.padding)
        kind = f"Convolution<{', '.join(map(str, sizes))}, {str(geometry.pooled).lower()}>"
        storage.append(f"static {kind} kernels_{name};")
        holding.append(f"kernels_{name}.hold({context.held(name)});")
    return storage, connecting, holding


def arriving(context: CodeContext, coupling: Coupling) -> str:
    """Return the line that adds what a clamped input gives to a layer to ``given_<layer>_<component>``."""
    name, layer = coupling.projection, coupling.target
    given, n = f"given_{layer}_{coupling.component}", context.size(layer)
    if name in context.sparse:
        return f"edges_{name}.forward(BATCH, {given}, {given}, sent_by_unit);"
    if name in context.convolutions:
        return f"kernels_{name}.forward(m, {given}, {given}, shown);"
    return f"clamped<INPUTS, {n}>(sent, {given}, {context.held(name)});"


def product(context: CodeContext, coupling: Coupling, drive: str, base: str) -> str:
    """Return the line that writes the drive of a layer: a base, and what arrives through a coupling at each step."""
    k, n = context.size(coupling.source), context.size(coupling.target)
    straight, turned = context.held(coupling.projection), f"back_{coupling.projection}"
    if coupling.transposed:
        straight, turned = turned, straight
    source = context.at((coupling.source, coupling.component))
    if coupling.delay:
        source = f"delayed_{coupling.source}_{coupling.component}_{coupling.delay}.oldest()"
    if coupling.projection in context.convolutions:
        way = "backward" if coupling.transposed else "forward"
        few = "_few" if coupling.component == "spike" else ""
        return f"kernels_{coupling.projection}.{way}{few}(m, {drive}, {base}, {source});"
    if coupling.projection in context.sparse:
        way = "backward" if coupling.transposed else "forward"
        return f"edges_{coupling.projection}.{way}(m, {drive}, {base}, by_unit<{k}, 0>(m, {source}));"
    if coupling.component != "spike" or n < FEW:
        return f"product<{k}, {n}>(m, {drive}, {base}, {source}, {straight}, {turned});"
    return f"spikes<{k}, {n}>(m, {drive}, {base}, {source}, {straight});"
