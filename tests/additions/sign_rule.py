"""A rule that needs one nudged phase and one bit of each synapse: the sign of the difference of energy gradients."""

import numpy as np

from neuroeq.contract import rule
from neuroeq.learning.rules import Update
from neuroeq.registry import RULES


def one_phase(training, phases):
    if phases.variant == "centred":
        raise ValueError(f"phases.variant is 'centred' with training.rule '{training.rule}', which has one phase")


@RULES.register("sign_of_one_phase")
@rule("energy", check=one_phase)
def sign_of_one_phase(substrate, trial):
    free, (nudged,) = trial.settle(substrate)
    sign = np.sign(trial.betas[0])
    contrast = substrate.energy_contrast([(sign, free), (-sign, nudged)])
    return Update({name: np.sign(value) for name, value in contrast.items()}, free, (nudged,))
