"""Numba kernels for sweeps over the layers of a circuit, four samples at a time.

    v_l <- clip((u_{l-1} G_l + I_l) / D_l + v_{l+1} G_{l+1}^T k_l / D_l)          u_l = A_l v_l + lift_l

The layers of a sample lie side by side. Sums over the layer before stay in registers, for two nodes together; those
over the layer after are added to all nodes, for four of its nodes together.

Shockley diodes need the Wright omega function, w + ln w = z. From a guess, mostly the last sweep's w,

    r = z - w - ln w,    w <- w (1 + r/(1+w) (q - r)/(q - 2 r)),    q = 2 (1+w) (1+w + 2r/3)

leaves |2 w^2 - 8 w - 1| r^4 / (72 (1+w)^6) of w, which says whether one such correction was enough. Fritsch, Shafer &
Crowley 1973, Commun. ACM 16:123; Lawrence, Corless & Jeffrey 2012, ACM TOMS 38:20.
"""

from __future__ import annotations

from math import exp, log

from .passes import FOUR, compiled


@compiled
def block(rows, nodes, layer):
    """Return the array from a layer to the next one, a row for each node of that, of the rows of all later arrays."""
    return rows[nodes[layer + 1] - nodes[1] : nodes[layer + 2] - nodes[1]]


@compiled
def sweep(v, u, later, nodes, drive, into, scale, back, bounds, nonlinear, sweeps, nudged):
    """Sweep over the layers, (FOUR, all nodes): from the outputs if they are nudged, else from the first layer."""
    last = len(nodes) - 2
    for _ in range(sweeps[1] if nudged else sweeps[0]):
        for step in range(last + 1):
            layer = last - step if nudged else step
            start, end = nodes[layer], nodes[layer + 1]
            if layer:
                out = v if layer == last else drive
                _arrive(u, nodes[layer - 1], start, block(later, nodes, layer - 1), into, scale, out)
            if layer < last:
                _return(v, start, end, block(later, nodes, layer), drive, back, bounds)
                _rest_layer(v, u, layer, start, end, nonlinear)


@compiled
def _arrive(u, before, start, g, into, scale, out):
    """Set nodes from `start` on to what arrives from the layer before, by rows of g."""
    u0, u1, u2, u3 = u[0, before:start], u[1, before:start], u[2, before:start], u[3, before:start]
    none = g.dtype.type(0)
    for pair in range(len(g) // 2):
        a, b = g[2 * pair], g[2 * pair + 1]
        a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = none
        for j in range(len(u0)):
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
        for j in range(len(u0)):
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
def _return(v, start, end, g, drive, back, bounds):
    """Add what the next layer sends back to what arrives at the nodes of a layer, by rows of g, within bounds."""
    x0, x1, x2, x3 = v[0, start:end], v[1, start:end], v[2, start:end], v[3, start:end]
    for j in range(len(x0)):
        x0[j] = x1[j] = x2[j] = x3[j] = 0
    fours = len(g) // 4 * 4
    for row in range(0, fours, 4):
        k = end + row
        a, b, c, d = g[row], g[row + 1], g[row + 2], g[row + 3]
        a0, b0, c0, d0 = v[0, k], v[0, k + 1], v[0, k + 2], v[0, k + 3]
        a1, b1, c1, d1 = v[1, k], v[1, k + 1], v[1, k + 2], v[1, k + 3]
        a2, b2, c2, d2 = v[2, k], v[2, k + 1], v[2, k + 2], v[2, k + 3]
        a3, b3, c3, d3 = v[3, k], v[3, k + 1], v[3, k + 2], v[3, k + 3]
        for j in range(len(x0)):
            x0[j] += (a0 * a[j] + b0 * b[j]) + (c0 * c[j] + d0 * d[j])
            x1[j] += (a1 * a[j] + b1 * b[j]) + (c1 * c[j] + d1 * d[j])
            x2[j] += (a2 * a[j] + b2 * b[j]) + (c2 * c[j] + d2 * d[j])
            x3[j] += (a3 * a[j] + b3 * b[j]) + (c3 * c[j] + d3 * d[j])
    for row in range(fours, len(g)):
        k, a = end + row, g[row]
        a0, a1, a2, a3 = v[0, k], v[1, k], v[2, k], v[3, k]
        for j in range(len(x0)):
            x0[j] += a0 * a[j]
            x1[j] += a1 * a[j]
            x2[j] += a2 * a[j]
            x3[j] += a3 * a[j]
    back, low, high = back[start:end], bounds[0][start:end], bounds[1][start:end]
    for sample in range(FOUR):
        _clip(v[sample, start:end], drive[sample, start:end], back, low, high)


@compiled
def _rest_layer(v, u, layer, start, end, nonlinear):
    """Move the nodes of a layer to where their diodes let them rest, and set what amplifiers show."""
    (gain, lift), (side, bias, junctions, precision), shift, level, w = nonlinear
    here, n_vt = slice(start, end), junctions[layer, 1]
    for sample in range(len(w) if junctions[layer, 0] else 0):
        rest(v[sample, here], w[sample, here], side[here], bias[here], shift[here], level[here], n_vt, precision)
    for sample in range(FOUR if len(gain) else 0):
        _amplify(v[sample, here], gain[here], lift[here], u[sample, here])


@compiled
def _clip(v, fed, back, low, high):
    for j in range(len(v)):
        v[j] = min(max(fed[j] + v[j] * back[j], low[j]), high[j])


@compiled
def _amplify(v, gain, lift, u):
    for j in range(len(v)):
        u[j] = gain[j] * v[j] + lift[j]


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
