"""The curvature at the outputs, from products of the Jacobian with vectors alone.

    S = H_oo - H_oi H_ii^-1 H_io,   H = -Jacobian      over the units that can move, o the outputs, i the others

Each column of S needs one solution with H_ii, which GMRES finds; no matrix is built.

Saad & Schultz 1986, SIAM J. Sci. Stat. Comput. 7:856, doi:10.1137/0907058.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np

from neuroeq.errors import NeuroeqWarning

Array = np.ndarray
Product = Callable[[Array, Array], Array]
"""Products with the Jacobian, -H: of samples by number, (c,), with one direction each, (c, n); (c, n)."""
TOLERANCE = 1e-11
"""The residual of a solution with exact products, as a fraction of what is solved for."""
RESTART, MOST_RESTARTS = 60, 10
"""How many directions GMRES keeps, and how often it starts again at most."""
ROUGH = 1e-3
"""The residual from which on a solution is said to be rough, as a fraction of what is solved for."""
AT_A_TIME = 1_000_000
"""How many numbers the columns that are solved for together hold at most, so that GMRES needs little memory."""


def output_curvatures(
    product: Product, diagonal: Array, output: Array, moving: Array, tolerance: float = TOLERANCE
) -> list[Array]:
    """Return S of each sample, over the outputs that can move.

    Parameters
    ----------
    product
        Products with the Jacobian.
    diagonal
        The diagonal of H, or a guess of it: (samples, n). The better it is, the faster GMRES ends.
    output
        Which units are outputs: (n,).
    moving
        Which units can move: (samples, n).
    tolerance
        The residual to end at, as a fraction of what is solved for; GMRES ends late where products are less exact.
    """
    which, columns = np.nonzero(moving[:, output])
    places = np.flatnonzero(output)
    schur = np.zeros((len(moving), len(places), len(places)))
    size = max(1, AT_A_TIME // len(output))
    for start in range(0, len(which), size):
        rows = which[start : start + size]
        pulled = np.zeros((len(rows), len(output)))
        pulled[np.arange(len(rows)), places[columns[start : start + size]]] = 1.0
        inner = moving[rows] & ~output
        force = -product(rows, pulled)
        followed = solved(partial(product, rows), np.where(inner, -force, 0.0), diagonal[rows], inner, tolerance)
        left = force + product(rows, followed)
        _say_if_rough(float(np.linalg.norm(left[inner])), float(np.linalg.norm(force[inner])))
        schur[rows, columns[start : start + size]] = left[:, output]
    return [each[np.ix_(free, free)].T for each, free in zip(schur, moving[:, output], strict=True)]


def _say_if_rough(left: float, whole: float) -> None:
    """Warn if units do not follow the outputs as they should, where GMRES ended before its tolerance."""
    if left > ROUGH * whole:
        warnings.warn(
            f"the curvature at the outputs was found to {left / whole:.1g} of what the other units add to it, after "
            f"{RESTART * MOST_RESTARTS} products with the Jacobian, which is the most: the stability margin may be as "
            "far off.",
            NeuroeqWarning,
            stacklevel=2,
        )


def solved(
    jacobian: Callable[[Array], Array], change: Array, diagonal: Array, inner: Array, tolerance: float = TOLERANCE
) -> Array:
    """Return x with -H x = change over some units, and 0 elsewhere: (c, n).

    Parameters
    ----------
    jacobian
        Products with -H, or with its transpose: (c, n), for (c, n).
    change
        What is solved for, 0 at all other units: (c, n).
    diagonal
        The diagonal of H, or a guess of it: (c, n).
    inner
        Which units are solved for: (c, n).
    tolerance
        The residual to end at, as a fraction of what is solved for. It may be larger after the most restarts.
    """
    scale = np.where(inner & (diagonal != 0), -diagonal, 1.0)
    guess = change / scale
    if np.linalg.norm(np.where(inner, jacobian(guess), 0.0) - change) <= tolerance * np.linalg.norm(change):
        return guess  # the other units do not act on each other, as in a single hidden layer
    from scipy.sparse.linalg import LinearOperator, gmres

    def applied(flat: Array) -> Array:
        x = flat.reshape(inner.shape)
        return np.where(inner, jacobian(np.where(inner, x, 0.0)), x).ravel()

    shape = (change.size, change.size)
    whole = LinearOperator(shape, matvec=applied, dtype=float)
    scaled = LinearOperator(shape, matvec=lambda flat: flat / scale.ravel(), dtype=float)
    restart = min(RESTART, change.size)
    x, _ = gmres(whole, change.ravel(), rtol=tolerance, restart=restart, maxiter=MOST_RESTARTS, M=scaled)
    return np.asarray(x).reshape(inner.shape)
