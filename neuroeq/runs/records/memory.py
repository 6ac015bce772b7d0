"""The records of a run that is kept in memory: those of a run folder, without the folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py

from neuroeq.data import Source
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.learning.state import State
from neuroeq.measures.probes import Probes

from .traces import Volts, traces_bytes


class MemoryRecords:
    """Keep in memory what `RunFolder` keeps on disk."""

    def __init__(self) -> None:
        self._network: Network | None = None
        self._state: State | None = None
        self._metrics: list[dict[str, Any]] = []
        self._result: dict[str, Any] = {}
        self._traces = b""

    @property
    def path(self) -> Path:
        """The name of these records in messages; there is no such folder."""
        return Path("<memory>")

    @property
    def figures(self) -> Path:
        """Raise an error, since there is no folder for figures.

        Raises
        ------
        SpecError
            Always.
        """
        raise SpecError("this run is kept in memory, so there is no folder for figures; train with keep=True.")

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint."""
        return self._state is not None

    def held(self, resume: bool, patience_s: float = 0.0) -> AbstractContextManager[None]:
        """Return a context that does nothing, since no other process has these records."""
        return nullcontext()

    def describe(self, network: Network) -> None:
        """Keep the resolved network."""
        self._network = network

    def description(self) -> Network:
        """Return the resolved network."""
        assert self._network is not None
        return self._network

    def write_data(self, source: Source) -> None:
        """Do nothing, since the caller has the arrays."""

    def save(self, state: State, sync: bool = True) -> None:
        """Keep the checkpoint."""
        self._state = deepcopy(state)

    def sync(self) -> None:
        """Do nothing, since there is no disk to wait for."""

    def load(self, go_on: bool = False) -> State:
        """Return the checkpoint."""
        assert self._state is not None
        return deepcopy(self._state)

    def write_metrics(self, rows: Iterable[Mapping[str, Any]], sync: bool = True) -> None:
        """Keep the metrics, one row for each epoch."""
        self._metrics = [dict(row) for row in rows]

    def metrics(self) -> list[dict[str, float]]:
        """Return the metrics, one row for each epoch."""
        return [dict(row) for row in self._metrics]

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Keep the result."""
        self._result = dict(result)

    def result(self) -> dict[str, Any]:
        """Return the result."""
        return dict(self._result)

    def write_traces(self, state: State, probes: Probes, inference: Volts) -> None:
        """Keep weights over training, recorded phases of a few samples, and voltages of inferences."""
        self._traces = traces_bytes(state, probes, inference)

    def traces(self) -> h5py.File:
        """Open the traces for reading."""
        return h5py.File(BytesIO(self._traces), "r")
