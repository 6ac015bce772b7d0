"""Numba kernels for sweeps over the layers of a circuit, four samples at a time.

    v_l <- clip((u_{l-1} G_l + I_l) / D_l + v_{l+1} G_{l+1}^T k_l / D_l)          u_l = A_l v_l + lift_l

The layers of a sample lie side by side. Sums over the layer before stay in registers, for two nodes together; those over
the layer after are added to all nodes, for four of its nodes together.

Shockley diodes need the Wright omega function, w + ln w = z. From a guess, mostly the last sweep's w,

    r = z - w - ln w,    w <- w (1 + r/(1+w) (q - r)/(q - 2 r)),    q = 2 (1+w) (1+w + 2r/3)

leaves |2 w^2 - 8 w - 1| r^4 / (72 (1+w)^6) of w, which says whether one such correction was enough. Fritsch, Shafer &
Crowley 1973, Commun. ACM 16:123; Lawrence, Corless & Jeffrey 2012, ACM TOMS 38:20.
"""

from __future__ import annotations

from math import exp, log

from .passes import FOUR, compiled


@compiled
def block(flat, at, layer):
    """Return the array from a layer to the next one, (n_next, n), of all later arrays, which lie one after the other.

    `at` are the first node of each layer and the first place of each array, with the end of the last one.
    """
    nodes, places = at
    n, n_next = nodes[layer + 1] - nodes[layer], nodes[layer + 2] - nodes[layer + 1]
    return flat[places[layer] : places[layer + 1]].reshape(n_next, n)


@compiled
def sweep(v, u, later, at, drive, into, scale, back, nonlinear, sweeps, nudged):
    """Sweep over the layers, (FOUR, all nodes): from the outputs if they are nudged, else from the first layer."""
    nodes, _ = at
    last = len(nodes) - 2
    for _ in range(sweeps[1] if nudged else sweeps[0]):
        for step in range(last + 1):
            layer = last - step if nudged else step
            start, end = nodes[layer], nodes[layer + 1]
            if layer == last:
                _arrive(u, nodes[layer - 1], block(later, at, layer - 1), into, scale, v, start)
                continue
            if layer:
                _arrive(u, nodes[layer - 1], block(later, at, layer - 1), into, scale, drive, start)
            _return(v, start, end, block(later, at, layer))
            _rest_layer(v, u, drive, back, layer, start, end, nonlinear)


@compiled
def _arrive(u, before, g, into, scale, out, start):
    """Set nodes from `start` on to what arrives from the layer before, by rows of g."""
    end = before + g.shape[1]
    u0, u1, u2, u3 = u[0, before:end], u[1, before:end], u[2, before:end], u[3, before:end]
    none = g.dtype.type(0)
    for pair in range(len(g) // 2):
        a, b = g[2 * pair], g[2 * pair + 1]
        a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = none
        for j in range(len(a)):
            a0 += u0[j] * a[j]
            a1 += u1[j] * a[j]
            a2 += u2[j] * a[j]
            a3 += u3[j] * a[j]
            b0 += u0[j] * b[j]
            b1 += u1[j] * b[j]
            b2 += u2[j] * b[j]
            b3 += u3[j] * b[j]
        k = start + 2 * pair
        _set(out, into, scale, k, a0, a1, a2, a3)
        _set(out, into, scale, k + 1, b0, b1, b2, b3)
    for row in range(len(g) // 2 * 2, len(g)):
        a = g[row]
        a0 = a1 = a2 = a3 = none
        for j in range(len(a)):
            a0 += u0[j] * a[j]
            a1 += u1[j] * a[j]
            a2 += u2[j] * a[j]
            a3 += u3[j] * a[j]
        _set(out, into, scale, start + row, a0, a1, a2, a3)


@compiled
def _set(out, into, scale, k, x0, x1, x2, x3):
    out[0, k], out[1, k] = (into[0, k] + x0) * scale[k], (into[1, k] + x1) * scale[k]
    out[2, k], out[3, k] = (into[2, k] + x2) * scale[k], (into[3, k] + x3) * scale[k]


@compiled
def _return(v, start, end, g):
    """Set the nodes of a layer to what the voltages of the next one send back, by rows of g."""
    x0, x1, x2, x3 = v[0, start:end], v[1, start:end], v[2, start:end], v[3, start:end]
    for j in range(end - start):
        x0[j] = x1[j] = x2[j] = x3[j] = 0
    fours = len(g) // 4 * 4
    for row in range(0, fours, 4):
        k = end + row
        a, b, c, d = g[row], g[row + 1], g[row + 2], g[row + 3]
        a0, b0, c0, d0 = v[0, k], v[0, k + 1], v[0, k + 2], v[0, k + 3]
        a1, b1, c1, d1 = v[1, k], v[1, k + 1], v[1, k + 2], v[1, k + 3]
        a2, b2, c2, d2 = v[2, k], v[2, k + 1], v[2, k + 2], v[2, k + 3]
        a3, b3, c3, d3 = v[3, k], v[3, k + 1], v[3, k + 2], v[3, k + 3]
        for j in range(len(a)):
            x0[j] += (a0 * a[j] + b0 * b[j]) + (c0 * c[j] + d0 * d[j])
            x1[j] += (a1 * a[j] + b1 * b[j]) + (c1 * c[j] + d1 * d[j])
            x2[j] += (a2 * a[j] + b2 * b[j]) + (c2 * c[j] + d2 * d[j])
            x3[j] += (a3 * a[j] + b3 * b[j]) + (c3 * c[j] + d3 * d[j])
    for row in range(fours, len(g)):
        k, a = end + row, g[row]
        a0, a1, a2, a3 = v[0, k], v[1, k], v[2, k], v[3, k]
        for j in range(len(a)):
            x0[j] += a0 * a[j]
            x1[j] += a1 * a[j]
            x2[j] += a2 * a[j]
            x3[j] += a3 * a[j]


@compiled
def _rest_layer(v, u, drive, back, layer, start, end, nonlinear):
    """Add what arrives, and move the nodes of a layer to where diodes let them rest; set what amplifiers show."""
    low, high, (gain, lift), (side, bias, junctions, precision), shift, level, w = nonlinear
    for sample in range(FOUR):
        for j in range(start, end):
            v[sample, j] = min(max(drive[sample, j] + v[sample, j] * back[j], low[j]), high[j])
    n_vt, here = junctions[layer, 1], slice(start, end)
    for sample in range(len(w) if junctions[layer, 0] else 0):
        rest(v[sample, here], w[sample, here], side[here], bias[here], shift[here], level[here], n_vt, precision)
    if len(gain):
        for sample in range(FOUR):
            for j in range(start, end):
                u[sample, j] = gain[j] * v[sample, j] + lift[j]


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
