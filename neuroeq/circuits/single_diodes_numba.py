"""What `single_diodes` computes, compiled: the Wright omega function from a guess, by corrections of fourth order.

    r = z - w - ln w,    w <- w (1 + r/(1+w) (q - r)/(q - 2 r)),    q = 2 (1+w) (1+w + 2r/3)

leaves |2 w^2 - 8 w - 1| r^4 / (72 (1+w)^6) of w, which says whether one was enough; from the last sweep's w mostly it
is. Fritsch, Shafer & Crowley 1973, Commun. ACM 16:123; Lawrence, Corless & Jeffrey 2012, ACM TOMS 38:20.
"""

from __future__ import annotations

from math import exp, log
from typing import Any

import numba

compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")


@compiled
def rest(v, w, side, bias, shift, level, n_vt, precision):
    """Move nodes from where they would be without diodes to where they come to rest.

    Parameters
    ----------
    v
        Voltages, changed in place: (n,). [V]
    w
        The omega functions, 0 for no guess, changed in place: (n,).
    side, bias, n_vt
        As of `SingleDiodes`.
    shift, level
        side I_S / D [V] and ln(I_S / (D n V_t)): (n,).
    precision
        Relative, of w.
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
        if left <= precision:
            return w
        r = z - w - log(w)
