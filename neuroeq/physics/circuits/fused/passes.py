"""Numba kernels for the pass over the conductances from the sources: they change by one batch, and drive the next.

    p <- clip(p + (t + x.c)),   n <- clip(n + (t - x.c)),   sum += p + n,   drive += x' (p - n)        t = -c q

With momentum mu, decay l1 or masks M of arrays that do not connect all nodes, t and c without the rate,

    v <- mu v + t + x.c,   p <- M clip(p + rate v - l1 [p > 0])        and n with its own v, and t - x.c

Samples go four at a time, and batches of four at two hidden nodes together: sums stay in registers. A decay, a velocity
or a mask that is None costs nothing, as numba compiles the kernels anew for it.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
FOUR = 4


@compiled
def pass_over(g1, old, new, change, shift, limits, constants, m, sums, drive, extras, common, pending):
    """Change G1 by the last batch, if it is pending, and collect sums and drive of the next."""
    momentum, decay, paces, velocities, (mask, _) = extras
    args = g1, old, new, change, shift, limits, constants, m, sums, drive, momentum, paces[0], common
    if pending:
        _pass_by(*args, decay[0], velocities[0], mask)
    else:
        _pass_by(*args, None, None, mask)


@compiled
def _pass_by(g1, old, new, change, shift, limits, constants, m, sums, drive, momentum, rate, common, decay, v, mask):
    n = old.shape[1]
    pairs = len(g1) // 2 if _halved(mask, old) else 0  # with masks, loops over more arrays are not vectorised
    moved, difference = np.empty(n, g1.dtype), np.empty(n, g1.dtype)
    for pair in range(pairs):
        _move_pair(g1, 2 * pair, old, new, change, shift, limits, sums, drive, momentum, rate, common, decay, v)
    for j in range(2 * pairs, len(g1)):
        moved[:] = 0
        for at in range(0, len(old), FOUR):
            _add_four(old[at : at + FOUR], change[at : at + FOUR], j, moved)
        rows = _row(v, j, n), _row(mask, j, n)
        sums[j] = _move(g1[j], moved, shift[j], limits, difference, decay, momentum, rate, *rows)
        for at in range(0, len(new), FOUR):
            _feed_four(new[at : at + FOUR], difference, j, drive[at : at + FOUR])
    for j in range(len(g1) if len(constants) else 0):
        _shift(constants, change[:, j], shift[j], moved)
        move_row(g1[j, 2 * n :], moved, limits, decay, momentum, rate, j, 2 * n, v, mask)
        _constant(g1[j, 2 * n :], constants, m, sums, drive, j)


@compiled
def _move_pair(g1, j, x, y, change, shift, limits, sums, drive, momentum, rate, common, decay, v):
    """Do the pass for a batch of four at the hidden nodes j and j + 1, which share the samples that are loaded."""
    n = x.shape[1]
    x0, x1, x2, x3 = x[0], x[1], x[2], x[3]
    y0, y1, y2, y3 = y[0], y[1], y[2], y[3]
    a_plus, a_minus, b_plus, b_minus = g1[j, :n], g1[j, n : 2 * n], g1[j + 1, :n], g1[j + 1, n : 2 * n]
    va, a_twice = _half(v, j, n, shift, momentum, rate, common)
    vb, b_twice = _half(v, j + 1, n, shift, momentum, rate, common)
    a0, a1, a2, a3 = change[0, j], change[1, j], change[2, j], change[3, j]
    b0, b1, b2, b3 = change[0, j + 1], change[1, j + 1], change[2, j + 1], change[3, j + 1]
    low, high, a_shift, b_shift = limits[0], limits[1], shift[j], shift[j + 1]
    none = g1.dtype.type(0)
    a_sum = a_y0 = a_y1 = a_y2 = a_y3 = b_sum = b_y0 = b_y1 = b_y2 = b_y3 = g1.dtype.type(0)
    for i in range(n):
        moved = (x0[i] * a0 + x1[i] * a1) + (x2[i] * a2 + x3[i] * a3)
        up = _speed(va, i, a_shift + moved, momentum, rate)
        down = a_shift - moved if v is None else a_twice - up
        p, q = _new(a_plus[i], up, decay, low, high, none), _new(a_minus[i], down, decay, low, high, none)
        a_plus[i], a_minus[i] = p, q
        a_sum += p + q
        a_y0 += y0[i] * (p - q)
        a_y1 += y1[i] * (p - q)
        a_y2 += y2[i] * (p - q)
        a_y3 += y3[i] * (p - q)
        moved = (x0[i] * b0 + x1[i] * b1) + (x2[i] * b2 + x3[i] * b3)
        up = _speed(vb, i, b_shift + moved, momentum, rate)
        down = b_shift - moved if v is None else b_twice - up
        p, q = _new(b_plus[i], up, decay, low, high, none), _new(b_minus[i], down, decay, low, high, none)
        b_plus[i], b_minus[i] = p, q
        b_sum += p + q
        b_y0 += y0[i] * (p - q)
        b_y1 += y1[i] * (p - q)
        b_y2 += y2[i] * (p - q)
        b_y3 += y3[i] * (p - q)
    sums[j], drive[0, j], drive[1, j], drive[2, j], drive[3, j] = a_sum, a_y0, a_y1, a_y2, a_y3
    sums[j + 1], drive[0, j + 1], drive[1, j + 1], drive[2, j + 1], drive[3, j + 1] = b_sum, b_y0, b_y1, b_y2, b_y3


@compiled
def _half(v, j, n, shift, momentum, rate, common):
    """Return the velocities that belong to x, and by how much those of x and of -x move conductances together."""
    if v is None:
        return None, common[j]
    common[j] = shift[j] + momentum * common[j]
    return v[j, :n], rate * (common[j] + common[j])  # 2 is an integer, with which float32 becomes float64


@compiled
def common_part(v, mask, n_hidden, rows):
    """Return the half of v + v' of each hidden node, of velocities v and v' that belong to x and to -x: (n_hidden,).

    It is the same for all inputs, so `_move_pair` keeps it in place of v'.
    """
    common = np.zeros(n_hidden, rows.dtype)
    if v is not None:
        for j in range(n_hidden if _halved(mask, rows) else 0):
            common[j] = (v[j, 0] + v[j, rows.shape[1]]) / 2
    return common


@compiled
def complete(v, mask, common, rows):
    """Set the velocities that belong to -x by those that belong to x, where `_move_pair` keeps only these."""
    if v is not None:
        n = rows.shape[1]
        for j in range(len(common) // 2 * 2 if _halved(mask, rows) else 0):
            for i in range(n):
                v[j, n + i] = 2 * common[j] - v[j, i]


@compiled
def _halved(mask, rows):
    return mask is None and len(rows) == FOUR


@compiled
def _speed(v, i, change, momentum, rate):
    """Return by how much a conductance moves: the change, or what comes of its velocity."""
    if v is None:
        return change
    v[i] = change + momentum * v[i]
    return rate * v[i]


@compiled
def _new(value, moved, decay, low, high, none):
    """Return a conductance that has moved and decayed, and is within its limits."""
    if decay is not None:
        moved = moved - (decay if value > none else none)
    return min(max(value + moved, low), high)


@compiled
def _add_four(x, change, j, moved):
    x0, x1, x2, x3 = x[0], x[1], x[2], x[3]
    c0, c1, c2, c3 = change[0, j], change[1, j], change[2, j], change[3, j]
    for i in range(len(moved)):
        moved[i] += (x0[i] * c0 + x1[i] * c1) + (x2[i] * c2 + x3[i] * c3)


@compiled
def _move(g, moved, shift, limits, difference, decay, momentum, rate, velocities, masks):
    """Change the row g of G1; return its sum, and set what belongs to x less what belongs to -x."""
    n = len(moved)
    (v_plus, v_minus), (m_plus, m_minus) = velocities, masks
    change = moved, shift, momentum, rate
    return _move_both(g[:n], g[n : 2 * n], *change, limits, difference, decay, v_plus, v_minus, m_plus, m_minus)


@compiled
def _move_both(plus, minus, moved, shift, momentum, rate, limits, difference, decay, v_plus, v_minus, m_plus, m_minus):
    low, high, none = limits[0], limits[1], plus.dtype.type(0)
    total = none
    for i in range(len(plus)):
        up, down = shift + moved[i], shift - moved[i]
        if v_plus is not None:  # with `_speed`, this loop would not be vectorised
            up, down = up + momentum * v_plus[i], down + momentum * v_minus[i]
            v_plus[i], v_minus[i] = up, down
            up, down = rate * up, rate * down
        p, q = _new(plus[i], up, decay, low, high, none), _new(minus[i], down, decay, low, high, none)
        if m_plus is not None:
            p, q = p if m_plus[i] else none, q if m_minus[i] else none
        plus[i], minus[i], difference[i] = p, q, p - q
        total += p + q
    return total


@compiled
def _row(array, j, n):
    """Return the parts of the row j that belong to x and to -x, if there is an array."""
    if array is None:
        return None, None
    return array[j, :n], array[j, n : 2 * n]


@compiled
def _move_some(g, moved, limits, decay, momentum, rate, v, mask):
    """Change conductances g, (n,), by what moves them; decay, v and mask may be None."""
    none = g.dtype.type(0)
    for i in range(len(g)):
        new = _new(g[i], _speed(v, i, moved[i], momentum, rate), decay, limits[0], limits[1], none)
        if mask is not None:
            new = new if mask[i] else none
        g[i] = new


@compiled
def move_row(g, moved, limits, decay, momentum, rate, j, first, v, mask):
    """Do `_move_some` with what begins at the place `first` of the rows j of v and mask, which may be None."""
    velocity = None if v is None else v[j, first:]
    connected = None if mask is None else mask[j, first:]
    _move_some(g, moved, limits, decay, momentum, rate, velocity, connected)


@compiled
def _feed_four(y, difference, j, drive):
    y0, y1, y2, y3 = y[0], y[1], y[2], y[3]
    d0 = d1 = d2 = d3 = difference.dtype.type(0)
    for i in range(len(difference)):
        d0 += y0[i] * difference[i]
        d1 += y1[i] * difference[i]
        d2 += y2[i] * difference[i]
        d3 += y3[i] * difference[i]
    drive[0, j], drive[1, j], drive[2, j], drive[3, j] = d0, d1, d2, d3


@compiled
def _shift(constants, change, shift, moved):
    """Set by how much the conductances to the constant sources change."""
    total = moved.dtype.type(0)
    for sample in range(len(change)):
        total += change[sample]
    for at in range(len(constants)):
        moved[at] = shift + constants[at] * total


@compiled
def _constant(g, constants, m, sums, drive, j):
    """Add what the constant sources contribute."""
    for at in range(len(constants)):
        sums[j] += g[at]
        for sample in range(m):
            drive[sample, j] += constants[at] * g[at]


@compiled
def into(currents, momentum, v):
    """Return what changes are added to: the currents, or their velocity, which keeps a part of what it was."""
    if v is None:
        return currents
    for i in range(len(v)):
        v[i] *= momentum
    return v


@compiled
def move_currents(currents, rate, v):
    """Change currents by their velocity, if they have one."""
    if v is not None:
        for i in range(len(v)):
            currents[i] += rate * v[i]
