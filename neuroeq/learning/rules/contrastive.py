"""Contrastive learning, the original form of Equilibrium Propagation.

    Delta theta = -(1/beta) [dE/dtheta(s^beta) - dE/dtheta(s^0)]      (and its variants, see phases)

With outputs clamped part of the way to the target it is coupled learning; clamped at the target it is contrastive
Hebbian learning.

Scellier & Bengio 2017, Front. Comput. Neurosci. 11:24, doi:10.3389/fncom.2017.00024; Stern, Hexner, Rocks & Liu 2021,
Phys. Rev. X 11:021045; Movellan 1991, Contrastive Hebbian learning in the continuous Hopfield model.
"""

from __future__ import annotations

from neuroeq.contract import Rule, Substrate
from neuroeq.describe.spec import Phases, Training

from .trial import Trial
from .update import Update


def contrastive(substrate: Substrate, trial: Trial) -> Update:
    """Return the difference of the energy gradients at the equilibria."""
    free, nudged = trial.settle(substrate)
    gains = [gain for _, gain in trial.nudges]
    weighted = [(sum(gains), free), *((-gain, end) for gain, end in zip(gains, nudged, strict=True))]
    return Update(substrate.energy_contrast([(weight, end) for weight, end in weighted if weight]), free, nudged)


def _check_full_clamp(training: Training, phases: Phases) -> None:
    if phases.beta != 1 or phases.variant != "positive":
        raise ValueError(
            f"training.rule is 'contrastive_hebbian' with phases.beta {phases.beta:g} and variant '{phases.variant}'; "
            "it clamps outputs at the target, so expected beta 1 and variant 'positive'"
        )


ENERGY = frozenset({"energy"})
EP = Rule(contrastive, needs=ENERGY)
COUPLED = Rule(contrastive, nudge="clamp", needs=ENERGY)
HEBBIAN = Rule(contrastive, nudge="clamp", needs=ENERGY, check=_check_full_clamp)
