"""How many bits a converter needs to see the nudge.

Claim: every factor of 10 in beta is worth log2(10) = 3.3 bits of the converter that reads the nodes.

Expected: the cosine with the gradient is above .95 from 14 bits on at beta .01, from 12 at .1, and from 8 at 1. The
full scale is just above the largest voltage; the nudge is centred, and the network for digits has its start weights (5
s).

--quick: the same.
"""

from _measure import cosine, volts
from _report import conclude, quick, table

quick(__doc__)
BITS, BETAS = (4, 6, 8, 10, 12, 14, 16), (0.01, 0.1, 1.0)
ENOUGH = 0.95

scale = f"{1.05 * volts()} V"
found = {
    (beta, bits): cosine(beta, {"periphery": {"adc_bits": bits, "adc_full_scale": scale}}, repeats=1)
    for beta in BETAS
    for bits in BITS
}
rows = [[beta, *(found[beta, bits] for bits in BITS)] for beta in BETAS]
table("cosine with the gradient", ["beta", *(f"{bits} bits" for bits in BITS)], rows)
needed = [next((bits for bits in BITS if found[beta, bits] > ENOUGH), 99) for beta in BETAS]
saved = (needed[0] - needed[-1]) / 2
conclude(f"a factor of 10 in beta saves about 3.3 bits: here {saved:g} ({needed}).", 2 <= saved <= 5)
