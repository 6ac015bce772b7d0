"""Numba kernels for fused training, which make one pass over the conductances per batch.

A row of G1^T holds what arrives at one hidden node, from +x, from -x and from constants. The pass, in `passes`, applies
the last batch's change, clips, sums, and collects the next batch's drive; x and -x share its products. Samples go four
at a time in the sweeps, too.

Shockley diodes need the Wright omega function, w + ln w = z. From a guess, mostly the last sweep's w,

    r = z - w - ln w,    w <- w (1 + r/(1+w) (q - r)/(q - 2 r)),    q = 2 (1+w) (1+w + 2r/3)

leaves |2 w^2 - 8 w - 1| r^4 / (72 (1+w)^6) of w, which says whether one such correction was enough. Fritsch, Shafer &
Crowley 1973, Commun. ACM 16:123; Lawrence, Corless & Jeffrey 2012, ACM TOMS 38:20.

Numba's cache on disk only notices changes to the file of the outermost function, so this one has a digest of the other.
"""

from __future__ import annotations

from math import exp, log

import numpy as np

from ..equations import LEAK
from .passes import FOUR, common_part, compiled, complete, into, move_currents, move_row, pass_over

PASSES = "561fb183"
"""The digest of passes.py, which a test compares."""


@compiled
def learn(g, bounds, diodes, limits, constants, data, batch, gain, phases, rates, extras, room, out):
    """Change g by batch after batch, fill `out`; return the first example of a batch that fails, or -1.

    There is room, of zeros, for the samples of two batches, the drive and h; a batch takes rows up to the next four.
    Extras are mu, l1 of both arrays, rates of velocities, velocities and masks, each None where there is none.
    """
    (g1, g2, _, _), (inputs, targets, order), (betas, held, compared, sweeps) = g, data, phases
    dtype, (old, new, drive, h) = g1.dtype, room
    rows, n_hidden, n_output = len(old), len(g1), len(g2)
    change, shift, sums = np.zeros((rows, n_hidden), dtype), np.zeros(n_hidden, dtype), np.zeros(n_hidden, dtype)
    o, failed, pending = np.zeros((len(betas), rows, n_output), dtype), -1, False
    common = common_part(extras[3][0], extras[4][0], n_hidden, old)
    for first in range(0, len(order), batch):
        which = order[first : first + batch]
        _gather(inputs, which, gain, new)
        pass_over(g1, old, new, change, shift, limits[0], constants, len(which), sums, drive, extras, common, pending)
        pending = _settle(g, bounds, diodes, sums, drive, targets, which, betas, held, sweeps, h, o)
        if not pending:
            failed, change[:], shift[:] = first, 0, 0
            break
        for sample in range(len(which)):
            _copy(o[0, sample], out[first + sample])
        _learn(g, limits[1], h, o, len(which), compared, rates, extras, change, shift)
        old, new = new, old
    new[:] = 0
    pass_over(g1, old, new, change, shift, limits[0], constants, len(new), sums, drive, extras, common, pending)
    complete(extras[3][0], extras[4][0], common, new)
    return failed


@compiled
def _gather(inputs, which, gain, into):
    """Copy samples into the first rows; the values in the rows below are not used."""
    for sample in range(len(which)):
        for i in range(inputs.shape[1]):
            into[sample, i] = inputs[which[sample], i] * gain


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
    momentum, decays, paces, (_, v, v_hidden, v_output), (_, mask) = extras
    into_hidden, into_output = into(hidden_bias, momentum, v_hidden), into(output_bias, momentum, v_output)
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
        for j in range(len(shift)):
            moved[k, j] = to_g2 * (moved[k, j] + shift[j])
        move_row(g2[k], moved[k], limits, decays[1], momentum, paces[1], k, 0, v, mask)
    move_currents(hidden_bias, paces[2], v_hidden)
    move_currents(output_bias, paces[3], v_output)
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
