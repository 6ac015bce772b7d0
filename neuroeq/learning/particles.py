"""Persistent particles: every training example keeps its last free state, from which its next free phase starts.

Scellier & Bengio 2017, Front. Comput. Neurosci. 11:24, Section 4: few steps are then enough for a free phase.
"""

from __future__ import annotations

import numpy as np

from neuroeq.contract import Equilibrium
from neuroeq.physics.engine import Resume
from neuroeq.physics.substrates import NeuronSubstrate

Array = np.ndarray


class Particles:
    """The free states of all training examples.

    Parameters
    ----------
    substrate
        The substrate whose states are kept.
    n
        The number of training examples.
    kept
        What earlier training has kept, by layer and variable, (n, n_units), and ``"seen"``, (n,); filled here.
    """

    def __init__(self, substrate: NeuronSubstrate, n: int, kept: dict[str, Array]) -> None:
        self._simulation, self._n, self._kept = substrate.simulation, n, kept
        kept.setdefault("seen", np.zeros(n, bool))

    def start(self, which: Array, rng: np.random.Generator) -> Resume | None:
        """Return where the free phase of some examples starts: at rest for those that were never seen."""
        seen = self._kept["seen"][which]
        if not seen.any():
            return None
        rows = {name: array[which] for name, array in self._kept.items() if name != "seen"}
        return self._simulation.placed(rows, seen, rng)

    def keep(self, free: Equilibrium, which: Array) -> None:
        """Keep where the free phase of some examples ended."""
        for name, rows in self._simulation.rows(free.resume, len(which)).items():
            if name not in self._kept:
                self._kept[name] = np.zeros((self._n, rows.shape[1]), rows.dtype)
            self._kept[name][which] = rows
        self._kept["seen"][which] = True
