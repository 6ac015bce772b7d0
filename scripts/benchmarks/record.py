"""Chunks of training of the MNIST networks, timed by pytest-benchmark: for the record, and to compare two of them.

`scripts/bench record` writes `benchmark.json`; `--benchmark-compare` and the other options of pytest-benchmark follow.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits

from neuroeq.describe.catalog import resolve
from neuroeq.learning.state import Step
from neuroeq.learning.trainers.contract import CHUNK
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.engine import can_compile
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams

from .training import LONG, NETWORKS, images

ENGINES = {name: ("stepper", "compiled") if "drn" not in name and "diode" not in name else (None,) for name in NETWORKS}


@pytest.mark.parametrize(("name", "engine"), [(name, engine) for name, known in ENGINES.items() for engine in known])
def test_a_chunk_of_training(benchmark, name, engine):
    """Time 64 batches, with everything that a run does between them; an epoch's first chunk is left out."""
    if engine == "compiled" and not can_compile():
        pytest.skip("no C++ compiler")
    benchmark.extra_info["images"] = CHUNK * resolve(name).training.batch_size
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = training_steps(name, engine)
        chunk(steps)
        benchmark.pedantic(chunk, (steps,), rounds=5)


def training_steps(name: str, engine: str | None) -> Iterator[Step]:
    """Return the steps of a long training on few images."""
    _, hardware, settings = NETWORKS[name]
    options = {"run": {"engine": engine}} if engine else {}
    network = resolve(name, settings=[*settings, {"training": {"epochs": LONG}}, options], hardware=hardware)
    size, streams = network.training.batch_size, Streams(0)
    state = initial_state(network, streams)
    return train(build(network, state.params, size), images(network, 8 * CHUNK * size), state, streams)


def chunk(steps: Iterator[Step]) -> None:
    """Go on by 64 batches."""
    first = next(steps).batch
    while first % CHUNK != CHUNK - 1:
        first = next(steps).batch
