"""What a rule returns: the change it asks for, and the equilibria that it came from."""

from __future__ import annotations

from dataclasses import dataclass

from neuroeq.contract import Equilibrium, Params


@dataclass(frozen=True)
class Update:
    """A change of the parameters, before learning rates.

    Parameters
    ----------
    change
        The descent direction -dJ/dtheta of the cost, by projection and bias.
    free
        The free equilibrium that the nudged phases started from.
    nudged
        The equilibrium at the end of each nudged phase.
    """

    change: Params
    free: Equilibrium
    nudged: tuple[Equilibrium, ...]
