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
        By projection and bias; the descent direction -dJ/dtheta of the cost.
    free
        The free equilibrium.
    nudged
        Where each nudged phase ended.
    """

    change: Params
    free: Equilibrium
    nudged: tuple[Equilibrium, ...]
