"""What a simulation draws at random: start values when a phase begins, and the noise of units before every step."""

from __future__ import annotations

import numpy as np

from neuroeq.describe.spec import Network

from .assembly import Assembly
from .brian import reseed
from .noise import draw, number_of

Array = np.ndarray
AHEAD, AHEAD_NUMBERS = 32, 20_000
"""The most steps whose noise is drawn at a time, and the most numbers of a variable."""


class Draws:
    """The random numbers of a simulation.

    Parameters
    ----------
    assembly
        The Brian2 objects of the simulation.
    network
        The network as it is simulated.

    Attributes
    ----------
    key
        The key of the noise of the present phase.
    """

    def __init__(self, assembly: Assembly, network: Network) -> None:
        self._populations = assembly.populations
        self._noise = [
            (population.view(name, layer).reshape(-1), kind, number_of(layer, name))
            for population in self._populations
            for (layer, name), kind in population.noise.items()
        ]
        units = any(population.drawn or population.model.random for population in self._populations)
        synapses = any(network.synapse(name).random for name in network.projections)
        self._any = units or synapses or bool(assembly.natives)
        self._drawn: dict[int, tuple[int | None, int, Array]] = {}
        self.key = 0

    @property
    def constants(self) -> bool:
        """Whether units have constants of their own, which are drawn by the seed of the run."""
        return any(population.constants for population in self._populations)

    def start(self, rng: np.random.Generator) -> None:
        """Begin a phase: seed Brian2's own random numbers, and draw the key of the noise."""
        self.key = self._seeded(rng)

    def write(self, step: int) -> None:
        """Set the noise of a step; that of some steps is drawn at a time, which is faster for small networks."""
        for array, kind, number in self._noise:
            key, first, drawn = self._drawn.get(number, (None, 0, array[None]))
            if key != self.key or not first <= step < first + len(drawn):
                drawn = np.empty((max(1, min(AHEAD, AHEAD_NUMBERS // len(array))), len(array)), array.dtype)
                draw(drawn, kind, self.key, step, number)
                first, self._drawn[number] = step, (self.key, step, drawn)
            array[:] = drawn[step - first]

    def ahead(
        self, rng: np.random.Generator, nudged: int, rest: np.random.Generator | None = None
    ) -> tuple[list[Array], list[int]]:
        """Return what the free phase and some nudged phases of a batch would draw.

        Parameters
        ----------
        rng
            The generator of the batch.
        nudged
            Number of nudged phases.
        rest
            The generator of the start values where samples go on from their particles; that of the batch elsewhere.

        Returns
        -------
        starts
            Random start values: (batch x units,) for each variable that has them.
        keys
            The key of the noise in every phase.
        """
        keys = [self._seeded(rng)]
        first = rng if rest is None else rest
        starts = [values for population in self._populations for values in population.draws(first)]
        return starts, keys + [self._seeded(rng) for _ in range(nudged)]

    def _seeded(self, rng: np.random.Generator) -> int:
        if self._any:
            reseed(rng)
        return int(rng.integers(2**64, dtype=np.uint64)) if self._noise else 0
