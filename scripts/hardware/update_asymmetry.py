"""The effect of potentiation that is stronger than depression, and its remedy.

Literature: training of analog arrays needs symmetric devices or symmetric use of them, Gokmen & Vlasov 2016.

Claim: if each weight is one device against a reference, asymmetric pulses add up to a drift that undoes learning. In a
differential pair, every change is one pulse up and one down, so that the asymmetry cancels.

Expected: test errors on digits of 3.6, 5.6, 42 % with a reference column and 2.8, 3.3, 3.3 % with differential pairs,
if depression is weaker by 0, 30, 60 % (crossbar, 6 epochs, 30 s).

--quick: 3 epochs with 0 and 60 % (10 s).
"""

from _measure import WINDOW, trained
from _report import conclude, quick, table

EPOCHS, WEAKER = (3, (0.0, 0.6)) if quick(__doc__) else (6, (0.0, 0.3, 0.6))
PAIRINGS = ("reference_column", "differential_pair")
PULSES = {"model": "constant_step", "range": [0, 1], "step": 0.001, "max_pulses": 200}

found = {
    (pairing, weaker): trained(
        "crossbar", {**WINDOW, "pairing": pairing, "update": {**PULSES, "up_down": weaker}}, EPOCHS
    )[0]
    for pairing in PAIRINGS
    for weaker in WEAKER
}
rows = [[f"{weaker:.0%}", *(found[pairing, weaker] for pairing in PAIRINGS)] for weaker in WEAKER]
table("test error", ["depression weaker by", "reference column", "differential pair"], rows)
conclude(
    "asymmetric pulses undo learning on single devices, and not in pairs.",
    found["reference_column", 0.6] > 0.25,
    found["differential_pair", 0.6] < 0.1,
    found["reference_column", 0.0] < 0.1,
)
