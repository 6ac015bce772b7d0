"""Learning on the chip works around stuck devices, which ruin weights that were learned elsewhere.

Claim: with 10 % of all resistors stuck at the ends of their window, a network that learns on the chip is only slightly
worse, while weights that were learned elsewhere no longer work when they are written into such a chip.

Expected: test errors on digits of 3.6 % without faults, 9.7 % with 10 % and 14 % with 20 % stuck devices if the network
learns on the chip, and 83 to 88 % if weights are transferred to it (15 epochs, 13 s).

--quick: 6 epochs with 10 % stuck devices (8 s).
"""

from _measure import WINDOW, trained, transferred
from _report import conclude, quick, table

EPOCHS, FRACTIONS = (6, (0.1,)) if quick(__doc__) else (15, (0.1, 0.2))


def stuck(fraction: float) -> dict[str, object]:
    """Return devices of which a fraction is stuck, half of them at either end of the window."""
    return {**WINDOW, "faults": {"stuck_at_min": fraction / 2, "stuck_at_max": fraction / 2}}


healthy, run = trained("resistive", WINDOW, EPOCHS)
rows: list[list[object]] = [["none", healthy, ""]]
for fraction in FRACTIONS:
    moved = [transferred(run, stuck(fraction), seed) for seed in range(3)]
    rows.append([f"{fraction:.0%}", trained("resistive", stuck(fraction), EPOCHS)[0], sum(moved) / 3])
table("test error", ["stuck", "learned on the chip", "transferred to three chips"], rows)
conclude(
    "learning on the chip gets around 10 % stuck devices, a transfer does not.", rows[1][1] < 0.2, rows[1][2] > 0.5
)
