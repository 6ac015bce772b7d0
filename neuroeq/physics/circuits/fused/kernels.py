"""Numba kernels for fused training, which make one pass over the conductances from the sources per batch.

A row of G_1^T holds what arrives at one node, from +x, from -x and from constants. The pass, in `passes`, applies the
last batch's change, clips, sums, and collects the next batch's drive; x and -x share its products. The arrays after it
have a row for each of their targets, all in one array, and the layers of a sample lie side by side, the output last:
for any number of layers the kernels are compiled once. Samples go four at a time, in `sweeps` too.

Numba's cache on disk only notices changes to the file of the outermost function, so this one has digests of the others.
"""

from __future__ import annotations

import numpy as np

from ..equations import LEAK
from .passes import FOUR, common_part, compiled, complete, into, move_currents, move_row, pass_over
from .sweeps import block, sweep

PARTS = {"passes.py": "6ea14462", "sweeps.py": "b434f861"}
"""The digests of the other files, which a test compares."""


@compiled
def learn(g, circuit, limits, constants, data, batch, gain, phases, rates, extras, room, out):
    """Change g by batch after batch, fill `out`; return the first example of a batch that fails, or -1.

    There is room, of zeros, for the samples of two batches, the drive, v, u, and differences of v and u; a batch takes
    rows up to the next four. Extras are mu, l1 of the first array and of the others, rates of velocities, velocities
    and masks, each None where there is none.
    """
    (g1, _, biases), (inputs, targets, order), (betas, held, compared, sweeps) = g, data, phases
    dtype, nodes, first_clip = g1.dtype, circuit[0], limits[0]
    old, new, drive, v, u, dv, du = room
    rows, n_first, n_nodes = len(old), len(g1), len(biases)
    n_output, amplified, failed, pending = out.shape[1], len(circuit[2][0]) > 0, -1, False
    change, shift, sums = np.zeros((rows, n_first), dtype), np.zeros(n_first, dtype), np.zeros(n_nodes, dtype)
    common = common_part(extras[3][0], extras[4][0], n_first, old)
    for first in range(0, len(order), batch):
        which = order[first : first + batch]
        _gather(inputs, which, gain, new)
        pass_over(g1, old, new, change, shift, first_clip, constants, len(which), sums, drive, extras, common, pending)
        pending = _settle(g, circuit, sums, drive, targets, which, betas, held, sweeps, v, u)
        if not pending:
            failed, change[:], shift[:] = first, 0, 0
            break
        for sample in range(len(which)):
            _copy(v[0, sample, n_nodes - n_output : n_nodes], out[first + sample])
        _learn(g, nodes, limits, v, u, dv, du, amplified, len(which), compared, rates, extras, change, shift)
        old, new = new, old
    new[:] = 0
    pass_over(g1, old, new, change, shift, first_clip, constants, len(new), sums, drive, extras, common, pending)
    complete(extras[3][0], extras[4][0], common, new)
    return failed


@compiled
def _gather(inputs, which, gain, into):
    """Copy samples into the first rows; the values in the rows below are not used."""
    for sample in range(len(which)):
        for i in range(inputs.shape[1]):
            into[sample, i] = inputs[which[sample], i] * gain


@compiled
def _settle(g, circuit, sums, drive, targets, which, betas, held, sweeps, v, u):
    """Find the voltages in all phases; return whether conductances hold them."""
    (_, later, biases), (nodes, bounds, (gain, lift, drawn), diodes) = g, circuit
    side, _, junctions, _ = diodes
    n_hidden, n = nodes[-2], nodes[-1]
    incoming, scale, back = np.empty((FOUR, n), later.dtype), np.empty_like(sums), np.empty_like(sums)
    shift, level, w = np.zeros_like(side), np.zeros_like(side), np.zeros((FOUR, len(side)), side.dtype)
    for layer in range(len(nodes) - 2):
        _add_up(block(later, nodes, layer), nodes[layer], nodes[layer + 1], sums, back)
    currents = biases.copy()
    for layer in range(len(nodes) - 2):
        here, (i_s, n_vt) = slice(nodes[layer], nodes[layer + 1]), junctions[layer]
        parts = sums[here], back[here], scale[here], biases[here], currents[here]
        if not _ground(*parts, gain[here], lift[here], drawn[here]):
            return False
        if i_s:
            _set_junctions(sums[here], side[here], i_s, n_vt, shift[here], level[here])
    pulls = np.zeros_like(betas) if held else betas
    if not sums[n_hidden:].min() + pulls.min() > 0:
        return False
    for sample in range(len(drive)):
        for j in range(nodes[1]):
            drive[sample, j] = (drive[sample, j] + currents[j]) * scale[j]
    for first in range(0, len(which), FOUR):
        four = slice(first, first + FOUR)
        v[0, four], w[:] = 0, 0
        for sample in range(FOUR):
            _copy(currents, incoming[sample])
        for phase in range(len(betas)):
            for sample in range(first, first + FOUR):
                target, aims = targets[which[min(sample, len(which) - 1)]], incoming[sample - first, n_hidden:]
                _aim(target, v[0, sample, n_hidden:n], held, betas[phase], biases[n_hidden:], aims)
                if phase:
                    _copy(v[0, sample], v[phase, sample])
                    if len(gain):
                        _copy(u[0, sample], u[phase, sample])
            for k in range(n_hidden, n):
                scale[k] = 1 / (sums[k] + pulls[phase])
            nonlinear = (gain, lift), diodes, shift, level, w[: len(which) - first]
            moving = v[phase, four], u[phase, four]
            sweep(*moving, later, nodes, drive[four], incoming, scale, back, bounds, nonlinear, sweeps, phase > 0)
    return True


@compiled
def _add_up(g, start, end, sums, leaving):
    """Set the sums of conductances that leave a layer, and of those that arrive at the next one."""
    out = leaving[start:end]
    out[:] = 0
    for k in range(len(g)):
        row, total = g[k], g.dtype.type(0)
        for j in range(len(out)):
            out[j] += row[j]
            total += row[j]
        sums[end + k] = total


@compiled
def _ground(sums, back, scale, biases, currents, gain, lift, drawn):
    """Complete the conductances at a hidden layer's nodes, where isolated ones leak; return whether all are above 0."""
    for j in range(len(gain)):
        back[j] *= drawn[j]
        currents[j] -= lift[j] * back[j]
        back[j] *= gain[j]
    for j in range(len(sums)):
        sums[j] += back[j]
    leak = sums.dtype.type(LEAK) * sums.max()
    for j in range(len(sums)):
        if sums[j] == 0 and biases[j] == 0:
            sums[j] = leak
        back[j] = scale[j] = 1 / sums[j]
    for j in range(len(drawn)):
        back[j] *= drawn[j]
    return sums.min() > 0


@compiled
def _set_junctions(sums, side, i_s, n_vt, shift, level):
    for j in range(len(sums)):
        shift[j], level[j] = side[j] * i_s / sums[j], np.log(i_s / (sums[j] * n_vt))


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
def _learn(g, nodes, limits, v, u, dv, du, amplified, m, compared, rates, extras, change, shift):
    """Change the later arrays and the currents; set what the first array is to change by."""
    (_, later, biases), (a, b) = g, compared
    samples = later.dtype.type(m)
    momentum, decays, paces, (_, v_later, v_biases), (_, connected) = extras
    n_layers = len(nodes) - 1
    into_biases, row = into(biases, momentum, v_biases), np.empty(np.diff(nodes).max(), later.dtype)
    of_v = of_u = _differences(v[a], v[b], dv, m)
    if amplified:
        of_u = _differences(u[a], u[b], du, m)
    change[m:] = 0
    for j in range(change.shape[1]):
        shift[j] = rates[0] / samples * of_v[j]
    for s in range(m):
        for j in range(change.shape[1]):
            change[s, j] = rates[0] / samples * dv[s, j]
    for layer in range(n_layers):
        here, rate = slice(nodes[layer], nodes[layer + 1]), rates[n_layers + layer] / samples
        for s in range(m):
            _add(into_biases[here], rate, dv[s, here])
        move_currents(biases[here], paces[n_layers + layer], _part(v_biases, here))
    for layer in range(n_layers - 1):
        array, velocity = block(later, nodes, layer), _block(v_later, nodes, layer)
        mask = _block(connected, nodes, layer)
        first, end = nodes[layer], nodes[layer + 1]
        rate, moved = rates[layer + 1] / samples, row[: end - first]
        for k in range(len(array)):
            _row_change(v[a], u[b], dv, du, end + k, first, of_u, of_v, m, rate, moved)
            decay, pace = _part(decays[1], layer + 1), paces[layer + 1]
            move_row(array[k, : len(moved)], moved, limits[layer + 1], decay, momentum, pace, k, 0, velocity, mask)


@compiled
def _add(sums, rate, values):
    for j in range(len(sums)):
        sums[j] += rate * values[j]


@compiled
def _block(rows, nodes, layer):
    if rows is None:
        return None
    return block(rows, nodes, layer)


@compiled
def _part(values, place):
    if values is None:
        return None
    return values[place]


@compiled
def _differences(one, other, difference, m):
    """Set the differences of all samples; return half of what their squares differ by, with the sign turned."""
    sums = np.zeros(difference.shape[1], difference.dtype)
    for s in range(m):
        for j in range(len(sums)):
            difference[s, j] = one[s, j] - other[s, j]
            sums[j] -= difference[s, j] * (one[s, j] + other[s, j])
    for j in range(len(sums)):
        sums[j] /= 2
    return sums


@compiled
def _row_change(va, ub, dv, du, k, first, of_u, of_v, m, rate, moved):
    """Set what moves the conductances to node k from the nodes from `first` on."""
    here = slice(first, first + len(moved))
    of_before, own = of_u[here], of_v[k]
    for j in range(len(moved)):
        moved[j] = of_before[j] + own
    for s in range(0, m // FOUR * FOUR, FOUR):
        p0, p1, p2, p3 = du[s, here], du[s + 1, here], du[s + 2, here], du[s + 3, here]
        q0, q1, q2, q3 = ub[s, here], ub[s + 1, here], ub[s + 2, here], ub[s + 3, here]
        a0, a1, a2, a3 = va[s, k], va[s + 1, k], va[s + 2, k], va[s + 3, k]
        b0, b1, b2, b3 = dv[s, k], dv[s + 1, k], dv[s + 2, k], dv[s + 3, k]
        for j in range(len(moved)):
            moved[j] += (p0[j] * a0 + q0[j] * b0) + (p1[j] * a1 + q1[j] * b1)
            moved[j] += (p2[j] * a2 + q2[j] * b2) + (p3[j] * a3 + q3[j] * b3)
    for s in range(m // FOUR * FOUR, m):
        p, q, a, b = du[s, here], ub[s, here], va[s, k], dv[s, k]
        for j in range(len(moved)):
            moved[j] += p[j] * a + q[j] * b
    for j in range(len(moved)):
        moved[j] *= rate
