"""One tree of random generators for a run: each purpose has a named child, so that none shifts another's draws."""

from __future__ import annotations

from zlib import crc32

import numpy as np


class Streams:
    """The generators of a run.

    Parameters
    ----------
    seed
        The seed of the run; the same seed gives the same generators.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def child(self, name: str, *index: int) -> np.random.Generator:
        """Return the generator for a purpose, at a place such as (epoch, batch).

        The same arguments give the same draws, whatever was drawn before: a resumed run needs no saved state.
        """
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(crc32(name.encode()), *index)))
