"""How large the ratio of the highest to the lowest conductance must be.

Literature: a resistance range of at least 10, arXiv:2512.12428.

Claim: a ratio of highest to lowest conductance below about 10 hurts, and a larger one does not.

Expected: test errors on digits, with resistors of one sign, of 84, 75, 21, 12, 5.3, 3.6 % at ratios 2, 5, 10, 20, 50,
100. Below 10 nothing is learned. Here the loss disappears nearer to 50 than to 10, because no conductance can be
switched off and nothing else makes up for that (15 epochs, 15 s).

--quick: 6 epochs at ratios 2, 10, 100 (6 s).
"""

from _measure import trained
from _report import conclude, quick, table

EPOCHS, RATIOS = (6, (2, 10, 100)) if quick(__doc__) else (15, (2, 5, 10, 20, 50, 100))

found = {ratio: trained("resistive", {"g_min": f"{10 / ratio} uS", "g_max": "10 uS"}, EPOCHS)[0] for ratio in RATIOS}
table("test error", ["highest over lowest conductance", "error"], list(found.items()))
conclude("a ratio below 10 hurts, one of 100 does not.", found[2] > 0.5, found[10] < found[2] / 2, found[100] < 0.1)
