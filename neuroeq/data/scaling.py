"""How stored inputs become those of a network.

    x = factor stored                  factor = 1/255 for bytes
    x = (stored - low)/(high - low)    of tables that are rescaled: by the range of each column
    x = (stored - mean)/deviation      normalised: by the mean and the standard deviation of each channel
    input = (x - data.offset) data.scale

Ranges, means and deviations are those of the training part alone. Means and sums of squares are those of blocks of
examples, merged as by Chan, Golub & LeVeque 1983, Algorithms for computing the sample variance, The American
Statistician 37.
"""

from __future__ import annotations

import numpy as np

from neuroeq.describe.spec.data import Data

from .source import Source

Array = np.ndarray
BLOCK = 256
"""Examples whose values are held as floats at a time."""
CONSTANT = 1e-9
"""A channel whose deviation is below this fraction of its mean is constant: it becomes 0 throughout."""


def scaling(spec: Data, source: Source, train: Array) -> tuple[Array | float, Array | float]:
    """Return offset and scale with which an input is (stored - offset) scale: numbers, or a value for each input, (d,).

    Parameters
    ----------
    spec
        What the network's file says about its data.
    source
        The examples as they are stored.
    train
        The rows of the training part: (n,).
    """
    offset: Array | float = 0.0
    scale: Array | float = source.scale
    if source.rescale:
        offset, high = source.inputs[train].min(axis=0), source.inputs[train].max(axis=0)
        scale = 1 / np.maximum(high - offset, 1e-12)
    if spec.normalise == "channel":
        offset, deviation = channels(source, train)
        scale = 1 / deviation
    return offset + spec.offset / scale, scale * spec.scale


def channels(source: Source, rows: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of the stored values of each channel, given for each input: (d,), (d,).

    Parameters
    ----------
    source
        Images as they are stored.
    rows
        The rows of the examples whose values count: (n,).
    """
    assert source.shape is not None, "it was checked"
    count, (n_channels, height, width) = 0, source.shape
    mean, squares = np.zeros(n_channels), np.zeros(n_channels)
    for start in range(0, len(rows), BLOCK):
        stored = source.inputs[rows[start : start + BLOCK]]
        block = stored.reshape(len(stored), n_channels, -1).astype(float)
        own = block.mean(axis=(0, 2))
        block -= own[:, None]
        before, count = count, count + block.size // n_channels
        squares += np.einsum("ncp,ncp->c", block, block) + (own - mean) ** 2 * before * (1 - before / count)
        mean += (own - mean) * (1 - before / count)
    deviation = np.sqrt(squares / count)
    deviation[deviation <= CONSTANT * np.abs(mean)] = 1.0
    return np.repeat(mean, height * width), np.repeat(deviation, height * width)
