"""Tiki-Taka with changes of alternating sign, and a reference that is read anew whenever the sign turns: AGAD.

    every update      A_k <- A_k + pulses of s_k gain dW_k,   s_k = +-1,   fractions of a pulse left to chance
    and then          read column k of A,  k = 0, 1, ... in turn
                      H_k <- H_k + r s_k (A - R)_k,   n = trunc(H/epsilon),   n pulses of W_k,   H <- H - n epsilon
    after every `period`th read of column k           R_k <- A_k as read,   s_k <- -s_k

What A holds when the sign turns is in R, and counts no more. So no symmetric points have to be known, devices that
get no pulses leave the weights as they are, and what a pulse of A misses counts for one period. What A forgets of the
period before it loses in the direction of that period's changes. On devices with equal steps in all states, A - R is
the sum of the changes of this period so far.

After t updates r = rate 2^(-t/halving). The slower columns are transferred, the more of the noise of pulses H averages
out before a device of W, whose own pulses are noisy too, is moved.

Rasch, Carta, Fagbohungbe & Gokmen 2024, Nat. Commun. 15:7133 (analog gradient accumulation with dynamic reference).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from neuroeq.describe.spec.base import Positive
from neuroeq.describe.spec.programming import Programmable

from .tiki_taka import FastArray, filtered

Array = np.ndarray


class DynamicReference(FastArray):
    """Tiki-Taka that finds its reference while it learns.

    Parameters
    ----------
    scheme
        The name of this scheme, ``"tiki_taka_agad"``.
    period
        Number of reads of a column after which its sign turns.
    halving
        Number of updates in which `rate` falls to half of what it was; it does not fall if left out.
    """

    scheme: Literal["tiki_taka_agad"] = "tiki_taka_agad"
    period: Annotated[int, Field(gt=0)] = 10
    halving: Positive | None = None

    def update(self, devices: Programmable, change: Array, rng: np.random.Generator) -> None:
        """Write the change into the fast array, and read columns; the arguments are those of `Programming.update`."""
        pulses, transfer, reading = rng.spawn(3)
        fast, turn = devices.beside("fast"), int(devices.memory("turn"))
        before, after = (self._reads(number, len(change)) for number in (turn, turn + 1))
        sign = (1.0 - 2.0 * (before // self.period % 2)).reshape(-1, *[1] * (change.ndim - 1))
        fast.pulse(self.gain * sign * change, pulses)
        some = self.turn(turn, len(change))
        reference = devices.memory("reference", np.zeros_like(change)).copy()
        shown, read = fast.read(reading, some), np.zeros_like(change)
        rate = self.rate * (1.0 if self.halving is None else 0.5 ** (turn / self.halving))
        read[some] = rate * sign[some] * (shown - reference[some])
        turned = after[some] % self.period == 0
        reference[some[turned]] = shown[turned]
        devices.keep("turn", turn + 1)
        devices.keep("reference", reference)
        filtered(devices, read, transfer)

    def _reads(self, updates: int, n_columns: int) -> Array:
        """Return how often each column has been read after a number of updates."""
        return (updates * min(self.columns, n_columns) + np.arange(n_columns)[::-1]) // n_columns
