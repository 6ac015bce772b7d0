"""Fused training by the numba kernels: packs the arrays of a training into the arguments that the kernels take."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..circuit import Array
from .aligned import aligned
from .kernels import FOUR, learn
from .setting import VARIANTS, Rates, TrainedCircuit


def train(
    training: TrainedCircuit, inputs: Array, targets: Array, order: Array, batch: int, rates: Rates, outputs: Array
) -> int:
    """Fill the outputs; return the first example of a batch that fails, or -1."""
    setting, dtype = training.setting, training.g1.dtype
    signs, compared, w = VARIANTS[setting.variant]
    betas = np.array([0, *signs], dtype) * dtype.type(setting.beta)
    rows, n_hidden = -(-batch // FOUR) * FOUR, training.g1.shape[1]
    shapes = (rows, training.n_input), (rows, training.n_input), (rows, n_hidden), (len(betas), rows, n_hidden)
    return learn(
        (training.g1.T, training.g2.T, training.hidden_bias, training.output_bias),
        (training.low, training.high),
        _diodes(training),
        np.array([setting.g1_limits, setting.g2_limits], dtype),
        np.array(setting.constants, dtype),
        (np.ascontiguousarray(inputs), np.ascontiguousarray(targets, dtype), np.asarray(order, np.int64)),
        batch,
        dtype.type(setting.gain),
        (betas, setting.nudge == "held_current", compared, setting.sweeps),
        np.array([(1.0 if setting.momentum else rate) * w / setting.beta for rate in rates], dtype),
        _extras(training, rates),
        tuple(aligned(np.zeros(shape, dtype)) for shape in shapes),
        outputs,
    )


def _extras(training: TrainedCircuit, rates: Rates) -> tuple[Any, ...]:
    """Return momentum, decays, rates of velocities, velocities and masks."""
    setting, dtype = training.setting, training.g1.dtype
    v1, v2, *v = training.velocity or (None, None, None, None)
    return (
        dtype.type(setting.momentum),
        tuple(dtype.type(each) for each in setting.l1) if any(setting.l1) else (None, None),
        np.array(rates, dtype),
        (None if v1 is None else v1.T, None if v2 is None else v2.T, *v),
        tuple(None if mask is None else mask.T for mask in training.masks),
    )


def _diodes(training: TrainedCircuit) -> tuple[Array, Array, float, float, float]:
    """Return the Shockley diodes of the hidden nodes, empty arrays if there are none, and how precise w is to be."""
    precision = float(np.finfo(training.g1.dtype).eps)
    diodes = training.diodes
    if diodes is None:
        return np.empty(0), np.empty(0), 1.0, 1.0, precision
    return diodes.side, diodes.bias, diodes.i_s, diodes.n_vt, precision
