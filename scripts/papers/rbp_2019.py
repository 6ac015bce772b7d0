"""The nudged phase is recurrent backpropagation, step by step.

Scellier & Bengio 2019, Equivalence of equilibrium propagation and recurrent backpropagation, Neural Comput. 31:312,
arXiv:1711.08416.

Claim: in the limit of small beta, at every instant of the nudged phase, ds/dt over beta is the error signal of
recurrent backpropagation, and the contrast over beta is its gradient up to that instant.

Expected: distances of the errors from .047 at beta .1 down to 4.8e-5 at beta .0001, with slopes .996 and .993;
distances of the gradients from .157 down to 2.1e-4, with slopes .982 and .962 (5 s).

--quick: the first network with 60 steps, and slopes .996 and .982 (3 s).
"""

from _problem import layered, problem, slope
from _report import conclude, quick, table

from neuroeq.measures.fidelity import follow

BETAS = (1e-1, 1e-2, 1e-3, 1e-4)

if __name__ == "__main__":
    fast = quick(__doc__)
    found = []
    for sizes, neuron in (((5, 7, 3), "hard_sigmoid"), ((5, 8, 6, 3), "sigmoid"))[: 1 if fast else 2]:
        small = problem(layered(*sizes, substrate={"rate": {"neuron": neuron, "dt": "4 ms"}}))
        found.append([follow(*small, beta, 60 if fast else 600) for beta in BETAS])
        rows = [(each.beta, each.state_error, each.parameter_error) for each in found[-1]]
        title = f"{'-'.join(map(str, sizes))} {neuron}: largest distance over {len(found[-1][0].times)} steps"
        table(title, ("beta", "errors", "gradients"), rows)
    slopes = [
        slope(BETAS, [getattr(each, name) for each in path])
        for path in found
        for name in ("state_error", "parameter_error")
    ]
    print("Slopes over beta:", ", ".join(f"{each:.3f}" for each in slopes))
    conclude(
        "every step of the nudged phase is one of recurrent backpropagation, up to a distance that falls as beta.",
        all(abs(each - 1) < 0.1 for each in slopes),  # the next order in beta bends them by a few percent
        all(each.state_error < 2 * each.beta for path in found for each in path),
    )
