"""Numba kernels for fused training, which make one pass over the conductances per batch.

A row of G1^T holds what arrives at one hidden node, from +x, from -x and from constants. The pass applies the last
batch's change, clips, sums, and collects the next batch's drive; x and -x share its products:

    p <- clip(p + (t + x.c)),   n <- clip(n + (t - x.c)),   sum += p + n,   drive += x' (p - n)        t = -c q

With momentum mu, weight decay l1 or masks M of arrays that do not connect all nodes, t and c without the rate,

    v <- mu v + t + x.c,   p <- M clip(p + rate v - l1 [p > 0])        and n with its own v, and t - x.c

Samples go four at a time, in the sweeps too, and batches of four at two hidden nodes together: sums stay in registers.

Shockley diodes need the Wright omega function, w + ln w = z. From a guess, mostly the last sweep's w,

    r = z - w - ln w,    w <- w (1 + r/(1+w) (q - r)/(q - 2 r)),    q = 2 (1+w) (1+w + 2r/3)

leaves |2 w^2 - 8 w - 1| r^4 / (72 (1+w)^6) of w, which says whether one such correction was enough. Fritsch, Shafer &
Crowley 1973, Commun. ACM 16:123; Lawrence, Corless & Jeffrey 2012, ACM TOMS 38:20.

All kernels are in one file: numba's cache on disk only notices changes to the file of the outermost function.
"""

from __future__ import annotations

from math import exp, log
from typing import Any

import numba
import numpy as np

from ..equations import LEAK

compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
FOUR = 4


@compiled
def learn(g, bounds, diodes, limits, constants, data, batch, gain, phases, rates, extras, room, out):
    """Change g by batch after batch, fill `out`; return the first example of a batch that fails, or -1.

    There is room, of zeros, for the samples of two batches, the drive and h; a batch takes rows up to the next four.
    Extras are whether there are any, mu, l1 of both arrays, rates of velocities, velocities and masks; empty if none.
    """
    (g1, g2, _, _), (inputs, targets, order), (betas, held, compared, sweeps) = g, data, phases
    dtype, (old, new, drive, h) = g1.dtype, room
    rows, n_hidden, n_output = len(old), len(g1), len(g2)
    change, shift, sums = np.zeros((rows, n_hidden), dtype), np.zeros(n_hidden, dtype), np.zeros(n_hidden, dtype)
    o, failed, pending = np.zeros((len(betas), rows, n_output), dtype), -1, False
    for first in range(0, len(order), batch):
        which = order[first : first + batch]
        _gather(inputs, which, gain, new)
        _pass(g1, old, new, change, shift, limits[0], constants, len(which), sums, drive, extras, pending)
        pending = _settle(g, bounds, diodes, sums, drive, targets, which, betas, held, sweeps, h, o)
        if not pending:
            failed, change[:], shift[:] = first, 0, 0
            break
        for sample in range(len(which)):
            _copy(o[0, sample], out[first + sample])
        _learn(g, limits[1], h, o, len(which), compared, rates, extras, change, shift)
        old, new = new, old
    new[:] = 0
    _pass(g1, old, new, change, shift, limits[0], constants, len(new), sums, drive, extras, pending)
    return failed


@compiled
def _gather(inputs, which, gain, into):
    """Copy samples into the first rows; the values in the rows below are not used."""
    for sample in range(len(which)):
        for i in range(inputs.shape[1]):
            into[sample, i] = inputs[which[sample], i] * gain


@compiled
def _pass(g1, old, new, change, shift, limits, constants, m, sums, drive, extras, pending):
    """Change G1 by the last batch, if it is pending, and collect sums and drive of the next."""
    n, more = old.shape[1], extras[0]
    pairs = len(g1) // 2 if len(old) == FOUR and not more else 0
    moved, difference = np.empty(n, g1.dtype), np.empty(n, g1.dtype)
    for pair in range(pairs):
        _move_pair(g1, 2 * pair, n, old, new, change, shift, limits, sums, drive)
    for j in range(2 * pairs, len(g1)):
        moved[:] = 0
        for at in range(0, len(old), FOUR):
            _add_four(old[at : at + FOUR], change[at : at + FOUR], j, moved)
        if more:
            sums[j] = _move_more(g1[j], moved, shift[j], limits, difference, j, extras, pending)
        else:
            sums[j] = _move(g1[j, :n], g1[j, n : 2 * n], moved, shift[j], limits, difference)
        for at in range(0, len(new), FOUR):
            _feed_four(new[at : at + FOUR], difference, j, drive[at : at + FOUR])
    for j in range(len(g1)):
        if more:
            _move_constants(g1[j, 2 * n :], constants, change[:, j], shift[j], limits, j, 2 * n, extras, pending)
        else:
            _add_constants(g1[j, 2 * n :], constants, change[:, j], shift[j], limits)
        _constant(g1[j, 2 * n :], constants, m, sums, drive, j)


@compiled
def _move_pair(g1, j, n, x, y, change, shift, limits, sums, drive):
    """Do the pass for a batch of four at the hidden nodes j and j + 1, which share the samples that are loaded."""
    x0, x1, x2, x3 = x[0], x[1], x[2], x[3]
    y0, y1, y2, y3 = y[0], y[1], y[2], y[3]
    a_plus, a_minus, b_plus, b_minus = g1[j, :n], g1[j, n : 2 * n], g1[j + 1, :n], g1[j + 1, n : 2 * n]
    a0, a1, a2, a3 = change[0, j], change[1, j], change[2, j], change[3, j]
    b0, b1, b2, b3 = change[0, j + 1], change[1, j + 1], change[2, j + 1], change[3, j + 1]
    low, high, a_shift, b_shift = limits[0], limits[1], shift[j], shift[j + 1]
    a_sum = a_y0 = a_y1 = a_y2 = a_y3 = b_sum = b_y0 = b_y1 = b_y2 = b_y3 = g1.dtype.type(0)
    for i in range(n):
        moved = (x0[i] * a0 + x1[i] * a1) + (x2[i] * a2 + x3[i] * a3)
        p = min(max(a_plus[i] + (a_shift + moved), low), high)
        q = min(max(a_minus[i] + (a_shift - moved), low), high)
        a_plus[i], a_minus[i] = p, q
        a_sum += p + q
        a_y0 += y0[i] * (p - q)
        a_y1 += y1[i] * (p - q)
        a_y2 += y2[i] * (p - q)
        a_y3 += y3[i] * (p - q)
        moved = (x0[i] * b0 + x1[i] * b1) + (x2[i] * b2 + x3[i] * b3)
        p = min(max(b_plus[i] + (b_shift + moved), low), high)
        q = min(max(b_minus[i] + (b_shift - moved), low), high)
        b_plus[i], b_minus[i] = p, q
        b_sum += p + q
        b_y0 += y0[i] * (p - q)
        b_y1 += y1[i] * (p - q)
        b_y2 += y2[i] * (p - q)
        b_y3 += y3[i] * (p - q)
    sums[j], drive[0, j], drive[1, j], drive[2, j], drive[3, j] = a_sum, a_y0, a_y1, a_y2, a_y3
    sums[j + 1], drive[0, j + 1], drive[1, j + 1], drive[2, j + 1], drive[3, j + 1] = b_sum, b_y0, b_y1, b_y2, b_y3


@compiled
def _add_four(x, change, j, moved):
    x0, x1, x2, x3 = x[0], x[1], x[2], x[3]
    c0, c1, c2, c3 = change[0, j], change[1, j], change[2, j], change[3, j]
    for i in range(len(moved)):
        moved[i] += (x0[i] * c0 + x1[i] * c1) + (x2[i] * c2 + x3[i] * c3)


@compiled
def _move(plus, minus, moved, shift, limits, difference):
    low, high = limits[0], limits[1]
    total = plus.dtype.type(0)
    for i in range(len(plus)):
        p = min(max(plus[i] + (shift + moved[i]), low), high)
        n = min(max(minus[i] + (shift - moved[i]), low), high)
        plus[i], minus[i], difference[i] = p, n, p - n
        total += p + n
    return total


@compiled
def _move_more(g, moved, shift, limits, difference, j, extras, pending):
    """Do as `_move` with extras; their rows j are those of the row g of G1."""
    n, v = len(moved), extras[4][0]
    up, down = np.empty_like(moved), np.empty_like(moved)
    for i in range(n):
        up[i], down[i] = shift + moved[i], shift - moved[i]
    if pending and len(v):
        _accelerate(v[j, :n], up, extras[1], extras[3][0])
        _accelerate(v[j, n : 2 * n], down, extras[1], extras[3][0])
    decay = extras[2][0] if pending else extras[2][0] * 0
    _decayed(g[:n], up, decay, limits)
    _decayed(g[n : 2 * n], down, decay, limits)
    mask = extras[5][0]
    if len(mask):
        _masked(g[:n], mask[j, :n])
        _masked(g[n : 2 * n], mask[j, n : 2 * n])
    total = g.dtype.type(0)
    for i in range(n):
        difference[i] = g[i] - g[n + i]
        total += g[i] + g[n + i]
    return total


@compiled
def _accelerate(v, moved, momentum, rate):
    """Change a velocity, and set what it moves."""
    for i in range(len(v)):
        v[i] = moved[i] + momentum * v[i]
        moved[i] = rate * v[i]


@compiled
def _decayed(g, moved, decay, limits):
    low, high, none = limits[0], limits[1], g.dtype.type(0)
    for i in range(len(g)):
        g[i] = min(max(g[i] + moved[i] - (decay if g[i] > none else none), low), high)


@compiled
def _masked(g, mask):
    for i in range(len(g)):
        g[i] *= mask[i]


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
def _add_constants(g, constants, change, shift, limits):
    """Change the conductances to the constant sources."""
    moved = g.dtype.type(0)
    for sample in range(len(change)):
        moved += change[sample]
    for at in range(len(constants)):
        g[at] = min(max(g[at] + (shift + constants[at] * moved), limits[0]), limits[1])


@compiled
def _move_constants(g, constants, change, shift, limits, j, first, extras, pending):
    """Do as `_add_constants` with extras; `first` is the column of the first of the constant sources."""
    total, v, mask = g.dtype.type(0), extras[4][0], extras[5][0]
    for sample in range(len(change)):
        total += change[sample]
    moved = np.empty_like(g)
    for at in range(len(constants)):
        moved[at] = shift + constants[at] * total
    if pending and len(v):
        _accelerate(v[j, first:], moved, extras[1], extras[3][0])
    _decayed(g, moved, extras[2][0] if pending else extras[2][0] * 0, limits)
    if len(mask):
        _masked(g, mask[j, first:])


@compiled
def _constant(g, constants, m, sums, drive, j):
    """Add what the constant sources contribute."""
    for at in range(len(constants)):
        sums[j] += g[at]
        for sample in range(m):
            drive[sample, j] += constants[at] * g[at]


@compiled
def _settle(g, bounds, diodes, sums, drive, targets, which, betas, held, sweeps, h, o):
    """Find the voltages in all phases; return whether conductances hold them."""
    _, g2, hidden_bias, output_bias = g
    own, into = np.zeros_like(output_bias), np.empty((FOUR, len(g2)), g2.dtype)
    side, _, i_s, n_vt, _ = diodes
    shift, level, w = np.empty_like(side), np.empty_like(side), np.empty((FOUR, len(side)), side.dtype)
    resistance = np.empty_like(sums)
    for k in range(len(g2)):
        total = own[k]
        for j in range(len(sums)):
            sums[j] += g2[k, j]
            total += g2[k, j]
        own[k] = total
    pulls = np.zeros_like(betas) if held else betas
    leak = sums.dtype.type(LEAK) * sums.max()
    for j in range(len(sums)):
        if sums[j] == 0 and hidden_bias[j] == 0:
            sums[j] = leak
        resistance[j] = 1 / sums[j]
    if not (sums.min() > 0 and own.min() + pulls.min() > 0):
        return False
    for j in range(len(side)):
        shift[j], level[j] = side[j] * i_s / sums[j], np.log(i_s / (sums[j] * n_vt))
    for sample in range(len(drive)):
        for j in range(len(sums)):
            drive[sample, j] = (drive[sample, j] + hidden_bias[j]) * resistance[j]
    for at in range(0, len(which), FOUR):
        four = slice(at, at + FOUR)
        o[0, four] = 0
        w[:] = 0
        for phase in range(len(betas)):
            for sample in range(at, at + FOUR):
                target = targets[which[min(sample, len(which) - 1)]]
                _aim(target, o[0, sample], held, betas[phase], output_bias, into[sample - at])
                if phase:
                    _copy(h[0, sample], h[phase, sample])
                    _copy(o[0, sample], o[phase, sample])
            node = h[phase, four], o[phase, four]
            nonlinear = bounds, diodes, shift, level, w[: len(which) - at]
            _sweep(*node, g2, drive[four], resistance, into, own, pulls[phase], nonlinear, sweeps, phase > 0)
    return True


@compiled
def _aim(target, free, held, beta, bias, into):
    """Set what flows into each output node; the second of a pair is pushed back."""
    n = len(target)
    for k in range(n):
        aim = target[k] - free[k] if held else target[k]
        if len(free) > n:
            aim += free[k + n]
            into[k + n] = bias[k + n] - beta * aim
        into[k] = bias[k] + beta * aim


@compiled
def _copy(source, target):
    # An array assignment would check shapes, which takes numba seconds to compile.
    for i in range(len(source)):
        target[i] = source[i]


@compiled
def _sweep(h, o, g2, fed, resistance, into, own, pull, nonlinear, sweeps, nudged):
    (low, high), (side, bias, _, n_vt, precision), shift, level, w = nonlinear
    for _ in range(sweeps[1] if nudged else sweeps[0]):
        if nudged:
            _move_outputs(h, o, g2, into, own, pull)
        _move_hidden(h, o, g2, fed, resistance, low, high)
        for sample in range(len(w) if len(side) else 0):
            rest(h[sample], w[sample], side, bias, shift, level, n_vt, precision)
        if not nudged:
            _move_outputs(h, o, g2, into, own, pull)


@compiled
def _move_hidden(h, o, g2, fed, resistance, low, high):
    h[:] = 0
    h0, h1, h2, h3 = h[0], h[1], h[2], h[3]
    for k in range(0, len(g2), 2):
        m = min(k + 1, len(g2) - 1)  # k once more, for nothing, if no other is left
        a, b, other = g2[k], g2[m], g2.dtype.type(m - k)
        a0, a1, a2, a3 = o[0, k], o[1, k], o[2, k], o[3, k]
        b0, b1, b2, b3 = o[0, m] * other, o[1, m] * other, o[2, m] * other, o[3, m] * other
        for j in range(len(a)):
            h0[j] += a0 * a[j] + b0 * b[j]
            h1[j] += a1 * a[j] + b1 * b[j]
            h2[j] += a2 * a[j] + b2 * b[j]
            h3[j] += a3 * a[j] + b3 * b[j]
    for sample in range(FOUR):
        for j in range(len(resistance)):
            h[sample, j] = min(max(fed[sample, j] + h[sample, j] * resistance[j], low[j]), high[j])


@compiled
def _move_outputs(h, o, g2, into, own, pull):
    h0, h1, h2, h3 = h[0], h[1], h[2], h[3]
    for k in range(len(g2)):
        g, total = g2[k], own[k] + pull
        o0, o1, o2, o3 = into[0, k], into[1, k], into[2, k], into[3, k]
        for j in range(len(g)):
            o0 += h0[j] * g[j]
            o1 += h1[j] * g[j]
            o2 += h2[j] * g[j]
            o3 += h3[j] * g[j]
        o[0, k], o[1, k], o[2, k], o[3, k] = o0 / total, o1 / total, o2 / total, o3 / total


@compiled
def _learn(g, limits, h, o, m, compared, rates, extras, change, shift):
    """Change G2 and the currents; set what G1 is to change by."""
    _, g2, hidden_bias, output_bias = g
    into_hidden, into_output = hidden_bias, output_bias
    more, momentum, decays, paces, velocities, masks = extras
    if len(velocities[0]):
        into_hidden, into_output = velocities[2], velocities[3]
        for j in range(len(into_hidden)):
            into_hidden[j] *= momentum
        for k in range(len(into_output)):
            into_output[k] *= momentum
    (a, b), samples, moved = compared, g2.dtype.type(m), np.zeros_like(g2)
    to_g1, to_g2, to_hidden, to_output = rates[0] / samples, rates[1] / samples, rates[2] / samples, rates[3] / samples
    change[m:], shift[:] = 0, 0
    for s in range(m):
        for j in range(len(shift)):
            dh = h[a, s, j] - h[b, s, j]
            change[s, j] = to_g1 * dh
            shift[j] -= dh * (h[a, s, j] + h[b, s, j]) / 2
            into_hidden[j] += to_hidden * dh
        for k in range(len(g2)):
            oa, do = o[a, s, k], o[a, s, k] - o[b, s, k]
            into_output[k] += to_output * do
            r = do * (o[a, s, k] + o[b, s, k]) / 2
            for j in range(len(shift)):
                moved[k, j] += (h[a, s, j] - h[b, s, j]) * oa + h[b, s, j] * do - r
    for k in range(len(g2)):
        if more:
            for j in range(len(shift)):
                moved[k, j] = to_g2 * (moved[k, j] + shift[j])
            if len(velocities[1]):
                _accelerate(velocities[1][k], moved[k], momentum, paces[1])
            _decayed(g2[k], moved[k], decays[1], limits)
            if len(masks[1]):
                _masked(g2[k], masks[1][k])
        else:
            for j in range(len(shift)):
                g2[k, j] = min(max(g2[k, j] + to_g2 * (moved[k, j] + shift[j]), limits[0]), limits[1])
    if len(velocities[0]):
        for j in range(len(into_hidden)):
            hidden_bias[j] += paces[2] * into_hidden[j]
        for k in range(len(into_output)):
            output_bias[k] += paces[3] * into_output[k]
    for j in range(len(shift)):
        shift[j] *= to_g1


@compiled
def rest(v, w, side, bias, shift, level, n_vt, precision):
    """Move nodes v from where they would be without diodes to where they come to rest; w is 0 for no guess.

    side, bias and n_vt are those of `SingleDiodes`, shift is side I_S / D [V] and level ln(I_S / (D n V_t)): (n,).
    """
    least = log(precision)
    for j in range(len(v)):
        c = v[j] + shift[j]
        w[j] = _omega(side[j] * (c - bias[j]) / n_vt + level[j], w[j], least, precision)
        v[j] = c - side[j] * (n_vt * w[j])


@compiled
def _omega(z, guess, least, precision):
    """Return w + ln w = z; below `least` that is exp(z) (1 - exp(z))."""
    if z < least:
        return exp(z)
    w = guess
    r = z - w - log(w) if w > 0 else z
    if not (w > 0 and abs(r) < 1):
        w = z - log(z) if z > 1 else 1 / (1 + exp(-z))
        r = z - w - log(w)
    while True:
        one = 1 + w
        q = 2 * one * (one + 2 * r / 3)
        left = abs(2 * w * w - 8 * w - 1) * (r * r) ** 2 / (72 * (one * one * one) ** 2)
        w *= 1 + r / one * (q - r) / (q - 2 * r)
        if not left > precision:  # as it is when z is not finite
            return w
        r = z - w - log(w)
