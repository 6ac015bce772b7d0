"""Vector-field learning: Equilibrium Propagation without an energy, for directed weights.

    Delta W_ij = (1/beta) rho(s_i^0) (s_j^beta - s_j^0),      Delta theta = (1/beta) (dmu/dtheta(s^0))^T (s^beta - s^0)

It is the gradient where the Jacobian of the dynamics mu is symmetric. Otherwise it is -(dC/ds)^T Jac^-T dmu/dtheta,
with Jac^-T in place of Jac^-1, which points roughly along the gradient. A unit that is clipped does not move,
so dmu/dbias drops out.

With the non-reciprocal correction in the nudged phase, mu - (Jac - Jac^T)(s - s^0), it is the gradient for any weights.
The correction needs the reversed couplings, so it is not a local rule; it serves as a diagnostic, or runs on a digital
processor beside the network.

Scellier, Goyal, Binas, Mesnard & Bengio 2018, arXiv:1808.04873; Scurria et al. 2026, arXiv:2602.03670.
"""

from __future__ import annotations

from neuroeq.contract import Rule, Substrate

from .trial import Trial
from .update import Update


def vector_field(substrate: Substrate, trial: Trial) -> Update:
    """Return free presynaptic activities times the changes of postsynaptic states."""
    free, nudged = trial.settle(substrate)
    gains = [gain for _, gain in trial.nudges]
    return Update(substrate.field_contrast(free, list(zip(gains, nudged, strict=True))), free, nudged)


VECTOR_FIELD = Rule(vector_field, needs=frozenset({"vector_field"}))
CORRECTED = Rule(vector_field, nudge="corrected", needs=frozenset({"vector_field"}))
