"""Gains that differ from amplifier to amplifier change the direction of the update, and offsets hardly do.

Claim: a spread of the gains of 10 % changes the direction little, and a spread of 30 % considerably; offsets change it
hardly at all.

Expected: with gains of 4 and 1/4, cosines with the gradient of .994 for a spread of 10 %, .93 for 30 %, .999 for
offsets of 10 mV, and .99 for 100 mV. There is one hidden layer here, so one amplifier between the first resistors and
the outputs; deeper networks lose more (2 s).

--quick: the same.
"""

from _measure import cosine
from _report import conclude, quick, table

quick(__doc__)
KENDALL = {"gain": 4, "back_gain": 0.25}
SPREADS = ({}, {"gain_sd": 0.1}, {"gain_sd": 0.3}, {"offset_sd": "10 mV"}, {"offset_sd": "100 mV"})

ideal = {"neuron": {"amplifier": KENDALL}}
found = [cosine(0.01, {"neuron": {"amplifier": {**KENDALL, **spread}}}, ideal=ideal) for spread in SPREADS]
names = [", ".join(f"{key} {value}" for key, value in spread.items()) or "ideal" for spread in SPREADS]
table("cosine with the gradient", ["amplifiers", "cosine"], list(zip(names, found, strict=True)))
conclude(
    "10 % mismatch of gains costs little, 30 % more, offsets little.", found[1] > 0.98, found[2] < 0.96, found[3] > 0.99
)
