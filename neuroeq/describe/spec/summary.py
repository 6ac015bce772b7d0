"""What a network is, on one screen."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from .graph import Layer

WIDEST, MOST_LINES = 100, 3
"""Largest number of characters in a line, and of lines of one kind."""


def summary(network: Any) -> str:
    """Return a network as some lines of text.

    Parameters
    ----------
    network
        The `Network`, resolved for a substrate or not.
    """
    phases, training, data = network.phases, network.training, network.data
    rows = {
        "layers": ", ".join(_layer(name, layer) for name, layer in network.layers.items()),
        "projections": ", ".join(
            f"{name} {'→' if each.directed or each.source == network.input_layer else '↔'}"
            for name, each in network.projections.items()
        ),
        "phases": f"{phases.variant}, beta {phases.beta:g}, {phases.free.duration} free, "
        f"{phases.nudged.duration} nudged",
        "training": f"{training.learning}, {training.rule}, {training.epochs} epochs, batches of {training.batch_size}",
        "data": f"{data.name}, protocol {data.protocol}",
        "substrates": ", ".join(map(_substrate, network.substrate.items())),
    }
    if network.hardware is not None:
        rows["hardware"] = network.hardware.name
    head = f"Network {network.name or 'without a name'}: {network.title}"
    return "\n".join([head, *(_wrapped(f"  {key:<12} {value}") for key, value in rows.items())])


def _layer(name: str, layer: Layer) -> str:
    size = str(layer.size) if layer.shape is None else " × ".join(map(str, layer.shape))
    return f"{name} {size}"


def _substrate(named: tuple[str, Any]) -> str:
    name, physics = named
    models = [getattr(model, "name", model) for model in (physics.neuron, physics.synapse) if model is not None]
    return f"{name} ({', '.join(map(str, models))})" if models else name


def _wrapped(line: str) -> str:
    return fill(line, WIDEST, subsequent_indent=" " * 15, max_lines=MOST_LINES, placeholder=" ...")
