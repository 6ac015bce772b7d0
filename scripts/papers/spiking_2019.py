"""Spiking equilibrium propagation: units exchange one bit at each step, and the step sizes decrease.

O'Connor, Gavves & Welling 2019, Training a spiking neural network with equilibrium propagation, AISTATS (PMLR 89).

Claim: sigma-delta units settle where rates do, up to a floor of noise if the step sizes are constant, and without a
floor if they are annealed; a network learns digits by the contrast of their states.

Expected: distances after 100, 400, 1600 steps of .021, .021, .021 (constant), .0014, .00037, .00012 (1/sqrt(t)) and
.0042, .0028, .0019 (scheduled); a test error of 2.8 %, median of seeds 0 to 2 (70 s).

--quick: one network and at most 400 steps; 7.5 % after 2 epochs (9 s).
"""

from collections.abc import Sequence

import numpy as np
from _problem import Array, batch, inside, layered, made
from _report import conclude, errors, quick, table

from neuroeq.contract import Params, Stop
from neuroeq.measures.fidelity.implicit import SETTLED
from neuroeq.physics.engine import Recording

SIZES = (6, 8, 3)
LOOKED_AT = 50
"""Last steps, whose mean distance counts."""
STEPS = {
    "constant": {"eps_0": 0.5, "eps_decay": 0, "lambda_0": 0.5, "lambda_decay": 0},
    "1/sqrt(t)": {"eps_0": 1, "eps_decay": 0.5, "lambda_0": 1, "lambda_decay": 0.5},
    "scheduled, as published": {},
}
DIGITS = {
    "training": {"learning": "contrastive"},
    "substrate": {"spiking": {"neuron": "sigma_delta_predictive", "input": "encoder_predictive"}},
}


def distances(constants: dict[str, float], durations: Sequence[int], params: Params, inputs: Array) -> list[float]:
    """Return the mean distance between spiking states at the end of free phases and the fixed point of the rates."""
    fixed = made(layered(*SIZES), params).relax(inputs, stop=SETTLED).state
    physics = {"neuron": "sigma_delta_predictive", "neuron_parameters": constants}
    spiking = made(layered(*SIZES, on="spiking", substrate={"spiking": physics}), params, plastic=False, monitored=4)
    found = []
    for steps in durations:
        start, record = spiking.relax(inputs, stop=Stop(steps - LOOKED_AT)).resume, Recording()
        spiking.relax(inputs, start=start, stop=Stop(LOOKED_AT), record=record)
        states = record.phases[0].states
        found.append(float(np.mean([np.abs(states[layer]["s"] - fixed[layer]).mean() for layer in fixed])))
    return found


if __name__ == "__main__":
    fast = quick(__doc__)
    durations, seeds = ((100, 400), range(1)) if fast else ((100, 400, 1600), range(5))
    rate = layered(*SIZES)
    nets = [(inside(rate, seed), batch(rate, seed)[0]) for seed in seeds]
    found = {
        name: np.mean([distances(constants, durations, *net) for net in nets], axis=0).tolist()
        for name, constants in STEPS.items()
    }
    header = ("step sizes", *(f"after {steps}" for steps in durations))
    table("Distance from the fixed point of rates", header, [(name, *row) for name, row in found.items()])
    epochs, seeds = (2, (0,)) if fast else (None, range(3))
    learned = errors("digits", "spiking", seeds, settings=[DIGITS], epochs=epochs)
    table("Digits, scheduled steps", ("", "test error"), [("sigma_delta_predictive", learned)])
    constant, root, scheduled = found.values()
    conclude(
        "annealed steps bring spikes to the fixed point of rates, constant ones to a floor; digits are learned.",
        root[-1] < 0.4 * root[-2],  # falls about as 1/t, that is to 1/4
        scheduled[-1] < scheduled[0],
        constant[-1] > 0.5 * constant[0] and constant[-1] > 10 * root[-1],
        learned < (0.3 if fast else 0.1),  # a guess errs on 90 %
    )
