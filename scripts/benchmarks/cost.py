"""How the cost of learning grows: with features, size, depth, batch, steps and the share of connected pairs; memory.

Rate networks by contrast, centred, in single precision, through everything that a run does between two batches. Each
row tells the time of an image and the time of one coupling in one step, which would be constant if nothing but
couplings cost. Memory is that of processes of their own, which train on sets of two sizes read from disk.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from neuroeq.data.idx import FILES
from neuroeq.describe.catalog import resolve
from neuroeq.describe.spec import Network, validate
from neuroeq.learning.trainers.compiled import Compiled
from neuroeq.learning.trainers.contract import CHUNK
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.engine import can_compile
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams

from .features import features
from .machine import describe
from .training import LONG, images, seconds

FREE, NUDGED, BATCH, WIDTH = 20, 8, 20, 256
LATERAL = 2048
"""Units of the hidden layer whose lateral projection is thinned out."""
SETS = (6_000, 60_000)
EPOCH_BATCHES = 10 * CHUNK
SECONDS = 0.4
"""That a row is measured for, about."""
CHILD = """
import resource, sys
from neuroeq.runs import train
train("mnist_rate", epochs=1, engine="stepper", settings=["data.limit=2000"], data_dir=sys.argv[1], out=sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def network(hidden: list[int], batch: int = BATCH, steps: float = 1.0, lateral: float | None = None) -> Network:
    """Return a network of 784 inputs and 10 outputs, with phases `steps` times as long as usual."""
    sizes = {"input": 784, **{f"hidden{i}": size for i, size in enumerate(hidden)}, "output": 10}
    roles = {"input": "input", "output": "output"}
    projections: dict[str, Any] = {
        f"{one}_{two}": {"source": one, "target": two, "learning_rate": 0.01} for one, two in pairwise(sizes)
    }
    if lateral is not None:
        few = {"connect": {"probability": lateral}} if lateral < 1 else {}
        how = {"learning_rate": 0.001, "initial": {"gain": 0.1}, **few}
        projections["lateral"] = {"source": "hidden0", "target": "hidden0", **how}
    return resolve(
        validate(
            Network,
            {
                "title": "benchmark",
                "name": "benchmark",
                "data": {"name": "mnist"},
                "layers": {name: {"size": n, "role": roles.get(name, "hidden")} for name, n in sizes.items()},
                "projections": projections,
                "phases": {
                    "beta": 0.1,
                    "free": {"duration": f"{round(FREE * steps)} steps"},
                    "nudged": {"duration": f"{round(NUDGED * steps)} steps"},
                },
                "training": {"learning": "contrastive", "epochs": LONG, "batch_size": batch},
                "substrate": {"rate": {"neuron": "hard_sigmoid", "synapse": "rate_derivative", "precision": "float32"}},
            },
            "benchmark",
        ),
        "rate",
    )


def couplings(net: Network, lateral: float | None) -> float:
    """Return how many couplings act on an image in all steps and in the update, those of the clamped input once."""
    sizes = [layer.size for layer in net.layers.values()]
    steps = net.phases.free.n_steps(1) + 2 * net.phases.nudged.n_steps(1)
    moving = sum(2 * a * b for a, b in pairwise(sizes[1:])) + (lateral or 0) * sizes[1] ** 2
    return 2 * sizes[0] * sizes[1] + (steps + 1) * moving


def growth(console: Console) -> None:
    """Print the table of growth."""
    rows: dict[str, tuple[dict[str, Any], float | None]] = {}
    for size in (64, 256, 1024, 4096):
        rows[f"784-{size}-10"] = {"hidden": [size]}, None
    for depth in (1, 2, 3, 4):
        rows[f"{depth} x {WIDTH} hidden"] = {"hidden": [WIDTH] * depth}, None
    for batch in (1, 4, 16, 64, 256):
        rows[f"batch {batch}"] = {"hidden": [WIDTH], "batch": batch}, None
    for steps in (0.5, 1.0, 2.0, 4.0):
        rows[f"{round(FREE * steps)} + 2 x {round(NUDGED * steps)} steps"] = {"hidden": [WIDTH], "steps": steps}, None
    for share in (1.0, 0.05, 0.01, 0.001):
        rows[f"{LATERAL} lateral, {share:.1%}"] = {"hidden": [LATERAL], "lateral": share}, share
    columns = ("us/image", "ns each", "compiled, us/image", "ns each")
    table = Table("network", "couplings x steps", *columns, title="cost of an image")
    for index, (name, (how, share)) in enumerate(rows.items()):
        if index in (4, 8, 13, 17):
            table.add_section()
        net = network(**how)
        n = couplings(net, share)
        engines = ["stepper", *(["compiled"] if can_compile() and not any(Compiled.reasons(net)) else [])]
        used = [measured(net, engine) for engine in engines]
        table.add_row(
            name, f"{n:,.0f}", *(text for each in used for text in (f"{1e6 * each:,.0f}", f"{1e9 * each / n:.3f}"))
        )
    console.print(table)


def measured(net: Network, engine: str) -> float:
    """Return CPU seconds of an image, over as many batches as fit the time for a row; the first are not counted."""
    size, streams = net.training.batch_size, Streams(0)
    net = net.model_copy(update={"run": net.run.model_copy(update={"engine": engine})})
    state = initial_state(net, streams)
    steps = train(build(net, state.params, size), images(net, min(60_000, EPOCH_BATCHES * size)), state, streams)
    next(steps)
    before, done = state.cpu_s, 0
    while not done or state.cpu_s - before < SECONDS:
        done += next(steps).examples
    return (state.cpu_s - before) / done


def data_share(console: Console) -> None:
    """Print how much of the training time goes into preparing batches, one at a time and in the compiled chunks."""
    net = resolve("mnist_rate")
    size = net.training.batch_size
    n = 8 * CHUNK * size
    examples, order = images(net, n), np.random.default_rng(0).permutation(n)
    for engine, taken in (("stepper", size), ("compiled", CHUNK * size)):
        if engine == "stepper" or can_compile():
            start = time.process_time()
            for first in range(0, n, taken):
                examples.batch(examples.train, order[first : first + taken], net)
            share = (time.process_time() - start) / n / seconds(net, n, engine)
            console.print(f"data: preparing batches takes {share:.1%} of the training time of mnist_rate, {engine}")


def memory(console: Console) -> None:
    """Print the peak memory of a training on 2,000 images of a small and of a large set."""
    peaks = []
    with tempfile.TemporaryDirectory() as name:
        for n in SETS:
            folder = Path(name) / str(n)
            write_set(folder / "mnist", n)
            command = [sys.executable, "-c", CHILD, str(folder), str(folder / "run")]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            peaks.append(int(done.stdout.split()[-1]) / 1024)
    sizes = " and ".join(f"{n:,}" for n in SETS)
    console.print(
        f"memory: peaks of {peaks[0]:.0f} and {peaks[1]:.0f} MiB with sets of {sizes} images "
        f"({(SETS[1] - SETS[0]) * 784 / 2**20:.0f} MiB more on disk)"
    )


def write_set(folder: Path, n: int) -> None:
    """Write random images as MNIST's four files."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for file, shape in zip(FILES, ((n, 28, 28), (n,), (100, 28, 28), (100,)), strict=True):
        high = 256 if len(shape) == 3 else 10
        head = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        (folder / file).write_bytes(head + rng.integers(0, high, shape, np.uint8).tobytes())


def main() -> None:
    """Run the benchmark."""
    console = Console(width=120)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        console.print(describe())
        features(console)
        growth(console)
        data_share(console)
        memory(console)
