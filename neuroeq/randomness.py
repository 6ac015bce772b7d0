"""The random generators of a run, one for each purpose, so that no purpose shifts the draws of another."""

from __future__ import annotations

from zlib import crc32

import numpy as np


class Streams:
    """The generators of a run.

    Parameters
    ----------
    seed
        The seed of the run, from which all generators are derived.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def child(self, name: str, *index: int) -> np.random.Generator:
        """Return the generator for a purpose, at a place such as (epoch, batch).

        The same arguments give the same draws, whatever was drawn before: a resumed run needs no saved state.
        """
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(crc32(name.encode()), *index)))
