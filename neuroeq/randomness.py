"""The random generators of a run, one for each purpose, so that no purpose shifts the draws of another."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast
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

        The same arguments give the same draws, whatever was drawn before: a resumed run needs no saved state. The
        generator is seeded when it first draws, since most draw nothing, and seeding takes as long as a small batch.
        """
        return cast(np.random.Generator, _Unseeded(self.seed, (crc32(name.encode()), *index)))


class _Unseeded:
    """A generator that is seeded when it is first used; it has its methods, but is of another class."""

    def __init__(self, seed: int, key: tuple[int, ...]) -> None:
        self._seed, self._key = seed, key

    @cached_property
    def _generator(self) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=self._key))

    def __reduce__(self) -> Any:
        return self._generator.__reduce__()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._generator, name)
