"""Phases that are compared must run on the same devices.

Literature: with 10 % defects 92 % on one circuit shared in time against 33 % on two, Oh, Yoon & Min 2025.

Claim: conductances of a second circuit for the phase of +beta that are off by 1 % take half of the direction; one
circuit, shared in time, whatever its conductances are, takes nothing.

Expected: cosine with the gradient at a mismatch of 1e-4, 1e-3, 1e-2, 5e-2: 1.00, .97, .43, .19 (centred, beta .2,
digits at first weights; 2 s).

--quick: the same.
"""

from _measure import cosine
from _report import conclude, quick, table

quick(__doc__)
MISMATCHES = (0.0, 1e-4, 1e-3, 1e-2, 5e-2)

found = {mismatch: cosine(0.2, {"array": {"phase_mismatch": mismatch}}) for mismatch in MISMATCHES}
rows = [["one, shared in time" if not mismatch else f"two, {mismatch:g}", found[mismatch]] for mismatch in MISMATCHES]
table("cosine with the gradient", ["circuits", "cosine"], rows)
conclude(
    "a mismatch of 1 % between two circuits takes half of the direction.", found[0.0] > 0.999, 0.3 < found[1e-2] < 0.7
)
