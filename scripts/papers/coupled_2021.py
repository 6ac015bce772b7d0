"""Coupled learning, which compares a clamped state and a free state of the same resistors.

Stern, Hexner, Rocks & Liu 2021, Supervised learning in physical networks: from machine learning to learning machines,
Phys. Rev. X 11:021045, arXiv:2011.03861.

Claim: resistors learn locally if each compares its voltage in the free state with its voltage when the outputs are
clamped a little closer to their targets. With one output, this is equilibrium propagation to first order. With outputs
clamped at the targets, it is contrastive Hebbian learning (Movellan 1991).

Expected: 1 - cosine with equilibrium propagation is 6e-10, 6e-8, 6e-6, 7e-4 at beta .001 to 1 with one output, and .003
to .018 with three outputs, where the two rules differ; coupled learning and contrastive Hebbian learning both learn xor
without errors, median of seeds 0 to 4 (15 s).

--quick: the same with seed 0 (5 s).
"""

from typing import Any

import numpy as np
from _problem import batch, change, cosine, layered, made
from _report import conclude, errors, quick, table

from neuroeq.contract import Params
from neuroeq.describe.network import initial_params

BETAS = (1e-3, 1e-2, 1e-1, 1.0)


def update(rule: str, beta: float, outputs: int) -> Params:
    """Return one update of a small resistor network for one example."""
    nudge = {"nudge": "held_current"} if rule == "ep" else {}
    net = layered(5, 7, outputs, on="resistive", training={"rule": rule}, phases={"variant": "positive", **nudge})
    rng = np.random.default_rng(0)
    params = {name: 0.1 + rng.uniform(0, 0.5, value.shape) for name, value in initial_params(net, rng).items()}
    return change(made(net, params), *batch(net, 0, 1), beta, "positive")


def angle(beta: float, outputs: int) -> float:
    """Return 1 - cosine between the updates of the two rules."""
    return 1 - cosine(update("coupled_learning", beta, outputs), update("ep", beta, outputs))


def recipe(rule: str) -> dict[str, Any]:
    """Return the settings of a training by a rule that clamps its outputs."""
    phases: dict[str, Any] = {"nudge": "clamp", "variant": "positive"}
    phases |= {"beta": 1.0} if rule == "contrastive_hebbian" else {"beta": 0.1}
    return {"substrate": {"resistive": {"phases": phases, "training": {"learning": "contrastive", "rule": rule}}}}


if __name__ == "__main__":
    fast = quick(__doc__)
    found = {n: [angle(beta, n) for beta in BETAS] for n in (1, 3)}
    header = ("", *(f"beta {beta:g}" for beta in BETAS))
    rows = [(f"{n} output{'s' * (n > 1)}", *row) for n, row in found.items()]
    table("1 - cosine of coupled learning with equilibrium propagation", header, rows)
    seeds, rules = ((0,) if fast else range(5)), ("coupled_learning", "contrastive_hebbian")
    learned = {rule: errors("xor", "resistive", seeds, settings=[recipe(rule)]) for rule in rules}
    table("Exclusive or, on resistors and diodes", ("rule", "test error"), list(learned.items()))
    conclude(
        "with one output coupled learning is equilibrium propagation to first order, and resistors learn xor by it.",
        found[1][0] < 1e-5 < 1e-3 < found[3][0],
        found[1][2] > 30 * found[1][0],
        learned["coupled_learning"] == 0,
    )
