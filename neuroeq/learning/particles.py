"""Persistent particles: every training example keeps its last free state, and its next free phase starts there.

Scellier & Bengio 2017, Front. Comput. Neurosci. 11:24, Section 4: a free phase then needs few steps only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Equilibrium
from neuroeq.physics.engine import Resume
from neuroeq.physics.substrates import NeuronSubstrate

Array = np.ndarray


class Particles:
    """Keep the free states of all training examples.

    Parameters
    ----------
    substrate
        The substrate that relaxes.
    n
        Number of training examples.
    kept
        States that earlier training stored, by layer and variable, (n, n_units), and ``"seen"``, (n,), whether an
        example has one. It is updated in place.
    """

    def __init__(self, substrate: NeuronSubstrate, n: int, kept: dict[str, Array]) -> None:
        self._simulation, self._n, self._kept = substrate.simulation, n, kept
        kept.setdefault("seen", np.zeros(n, bool))

    def start(self, which: Array, rng: np.random.Generator) -> Resume | None:
        """Return where the free phase of some examples begins: at their last free state, or at rest without one.

        Parameters
        ----------
        which
            Numbers of the examples: (batch,).
        rng
            The generator that draws the states of examples that start at rest.
        """
        seen = self.seen(which)
        return self._simulation.placed(self.rows(which), seen, rng) if seen.any() else None

    def seen(self, which: Array) -> Array:
        """Return which of some examples have a state: (batch,)."""
        return self._kept["seen"][which]

    def rows(self, which: Array) -> dict[str, Array]:
        """Return the states of some examples, 0 without one, by layer and variable in their order: (batch, n)."""
        blank = self._simulation.blank(len(which))
        return {name: self._kept[name][which] if name in self._kept else empty for name, empty in blank.items()}

    def keep(self, free: Equilibrium, which: Array) -> None:
        """Keep the free states of some examples.

        Parameters
        ----------
        free
            The free equilibrium of a batch.
        which
            Numbers of its examples: (batch,).
        """
        self.keep_rows(self._simulation.rows(free.resume, len(which)), which)

    def keep_rows(self, states: Mapping[str, Array], which: Array) -> None:
        """Keep states by layer and variable, (batch, n), as those of some examples."""
        for name, rows in states.items():
            if name not in self._kept:
                self._kept[name] = np.zeros((self._n, rows.shape[1]), rows.dtype)
            self._kept[name][which] = rows
        self._kept["seen"][which] = True
