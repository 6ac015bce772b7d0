"""The noise of the voltage read-out that learning tolerates is proportional to beta.

Literature: critical noise about 5e-5 of the largest voltage, arXiv:2503.22810.

Claim: the cosine with the gradient depends only on the ratio of noise to beta, so ten times the noise needs ten times
the beta.

Expected: cosines with the gradient at noise of 1e-5, 1e-4, 1e-3 of the largest voltage of .99, .57, .06 with beta .01
and 1.00, .99, .57 with beta .1. They are means of 20 updates; the nudge is centred, and the network for digits has its
start weights (5 s).

--quick: means of 3 updates, which are the same within .03 (3 s).
"""

from _measure import cosine, volts
from _report import conclude, quick, table

REPEATS = 3 if quick(__doc__) else 20
NOISES, BETAS = (1e-5, 1e-4, 1e-3), (0.001, 0.01, 0.1)

largest = volts()
found = {
    (beta, noise): cosine(beta, {"periphery": {"adc_noise_sd": f"{noise * largest} V"}}, repeats=REPEATS)
    for beta in BETAS
    for noise in NOISES
}
rows = [[beta, *(found[beta, noise] for noise in NOISES)] for beta in BETAS]
table("cosine with the gradient", ["beta", *(f"noise {noise:g}" for noise in NOISES)], rows)
same = [abs(found[0.01, noise] - found[0.1, 10 * noise]) < 0.05 for noise in (1e-5, 1e-4)]
conclude(
    "tolerable noise is proportional to beta: 1e-4 costs little at beta .1 and half of the direction at .01.",
    found[0.1, 1e-4] > 0.95,
    0.3 < found[0.01, 1e-4] < 0.8,
    *same,
)
