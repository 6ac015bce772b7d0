"""Converters between voltages and numbers: 2^bits levels over +-full scale, and what lies beyond is cut off."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def quantised(values: Array, bits: int, full_scale: float) -> Array:
    """Return values as a converter gives them; with 0 bits as they are.

    Parameters
    ----------
    values
        Voltages, or whatever `full_scale` is in.
    bits
        Resolution over the whole range, signs included; 0 for an ideal converter.
    full_scale
        Largest value, either sign.
    """
    if not bits:
        return values
    step = 2 * full_scale / 2**bits
    return np.clip(np.round(values / step) * step, -full_scale, full_scale - step)
