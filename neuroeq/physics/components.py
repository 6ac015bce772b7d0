"""Activities with components: arrays of (components, batch, n) beside those of numbers, (batch, n).

A clamped input sends its value as the first component, and 0 as the others; a bias acts on the first.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def first(activity: Array) -> Array:
    """Return the first component of an activity, on which clamped inputs and biases act: (batch, n)."""
    return activity[0] if activity.ndim == 3 else activity


def paired(sent: Array, met: Array) -> tuple[Array, Array]:
    """Return what two layers send, (..., batch, n): of a vector that meets a clamped input, the first component."""
    return (sent, first(met)) if sent.ndim < met.ndim else (sent, met)


def as_first(arriving: Array, components: int) -> Array:
    """Return what arrives from a clamped input, (batch, n), as the first component: (components, batch, n)."""
    return np.stack([arriving, *np.zeros((components - 1, *arriving.shape), arriving.dtype)])


def summed(components: Array) -> Array:
    """Return the sum over the components of a vector: (batch, n)."""
    return components.sum(axis=0) if components.ndim == 3 else components
