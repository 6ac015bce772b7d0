"""Phases that are compared must run on the same devices.

Literature: with 10 % defects, 92 % accuracy on one circuit shared in time and 33 % on two, Oh, Yoon & Min 2025.

Claim: if the phase of +beta runs on a second circuit whose conductances are off by 1 %, the cosine of the update with
the gradient falls by about half. If one circuit runs all phases in turn, the cosine does not fall, whatever its
conductances are.

Expected: cosines with the gradient of 1.00, .97, .43, .19 at mismatches of 1e-4, 1e-3, 1e-2, 5e-2. The nudge is centred
with beta .2, and the network for digits has its start weights (2 s).

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
