"""Fused training by the numba kernels: packs the arrays of a training into the arguments that the kernels take."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..circuit import Array
from .aligned import CACHE_LINE, aligned
from .kernels import FOUR, learn
from .setting import VARIANTS, Rates, TrainedCircuit


def train(
    training: TrainedCircuit, inputs: Array, targets: Array, order: Array, batch: int, rates: Rates, outputs: Array
) -> int:
    """Fill the outputs; return the first example of a batch that fails, or -1."""
    setting, dtype = training.setting, training.g[0].dtype
    signs, compared, w = VARIANTS[setting.variant]
    betas = np.array([0, *signs], dtype) * dtype.type(setting.beta)
    paces = np.array(training.rates_of(rates), dtype)
    reach = np.ones_like(paces) if setting.momentum else paces
    return learn(
        (training.g[0].T, training.packed.later, training.packed.currents),
        _circuit(training),
        np.array([each.limits for each in setting.resistors], dtype),
        np.array(setting.constants, dtype),
        (np.ascontiguousarray(inputs), np.ascontiguousarray(targets, dtype), np.asarray(order, np.int64)),
        batch,
        dtype.type(setting.gain),
        (betas, setting.nudge == "held_current", compared, setting.sweeps),
        reach * np.array([*training.factors] * 2, dtype) * dtype.type(w / setting.beta),
        _extras(training, paces),
        _room(training, -(-batch // FOUR) * FOUR, len(betas)),
        outputs,
    )


def _room(training: TrainedCircuit, rows: int, phases: int) -> tuple[Array, ...]:
    """Return room for the samples of two batches, the drive, v and u, and differences of v and u."""
    dtype = training.g[0].dtype
    n = -(-len(training.packed.currents) // CACHE_LINE) * CACHE_LINE  # so that each sample begins at a cache line
    shapes = (rows, training.n_input), (rows, training.n_input), (rows, n), (phases, rows, n), (rows, n)
    old, new, drive, v, dv = (aligned(np.zeros(shape, dtype)) for shape in shapes)
    if any(training.amplifiers):
        return old, new, drive, v, aligned(np.zeros_like(v)), dv, aligned(np.zeros_like(dv))
    return old, new, drive, v, v, dv, dv


def _circuit(training: TrainedCircuit) -> tuple[Any, ...]:
    """Return where each layer begins and the last one ends, and the bounds, amplifiers and diodes of hidden nodes."""
    nodes = np.cumsum([0, *(g.shape[1] for g in training.g)])
    bounds = tuple(np.concatenate(each) for each in zip(*training.clamps, strict=True))
    return nodes, bounds, _amplifiers(training), _diodes(training)


def _amplifiers(training: TrainedCircuit) -> tuple[Array, ...]:
    """Return gain, lift and the fraction that is drawn of each hidden node, empty arrays if there are no amplifiers."""
    dtype, sizes = training.g[0].dtype, [len(g) for g in training.g[1:]]
    if not any(training.amplifiers):
        return np.empty(0, dtype), np.empty(0, dtype), np.empty(0, dtype)
    plain = [(np.ones(n), np.zeros(n), np.ones(n)) for n in sizes]
    given = [a and (a.gain, a.lift, a.back) for a in training.amplifiers]
    each = [one or other for one, other in zip(given, plain, strict=True)]
    return tuple(np.concatenate(part).astype(dtype) for part in zip(*each, strict=True))


def _extras(training: TrainedCircuit, paces: Array) -> tuple[Any, ...]:
    """Return momentum, decays, rates of velocities, velocities and masks."""
    packed, dtype, first = training.packed, training.g[0].dtype, training.masks[0]
    decays = np.array([each.l1 for each in training.setting.resistors], dtype)
    return (
        dtype.type(training.setting.momentum),
        (decays[0], decays) if decays.any() else (None, None),
        paces,
        (None if training.velocity is None else training.velocity[0].T, packed.v_later, packed.v_currents),
        (None if first is None else first.T, packed.connected),
    )


def _diodes(training: TrainedCircuit) -> tuple[Any, ...]:
    """Return the Shockley diodes of the hidden nodes, I_S and n V_t of each layer, 0 without, and how precise w is."""
    precision, found = float(np.finfo(training.g[0].dtype).eps), training.diodes
    if not any(found):
        return np.empty(0), np.empty(0), np.zeros((len(found), 2)), precision
    none = [np.zeros(len(g)) for g in training.g[1:]]
    sides = [zero if each is None else each.side for each, zero in zip(found, none, strict=True)]
    biases = [zero if each is None else each.bias for each, zero in zip(found, none, strict=True)]
    junctions = [(0.0, 0.0) if each is None else (each.i_s, each.n_vt) for each in found]
    return np.concatenate(sides), np.concatenate(biases), np.array(junctions), precision
