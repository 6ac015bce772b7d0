"""Training speed of the MNIST networks: each engine, and the same update written by hand, in turn in one process.

Times are CPU times of one thread over batches of MNIST (or of random images as sparse, where it is not here), with
everything that a run does between two batches; compiling is not counted. The roofline: what the couplings ask for, two
operations a weight and product, by what the machine's own matrix products reach.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from neuroeq.data import Examples, Part, load
from neuroeq.data.coding import targets
from neuroeq.describe.catalog import resolve
from neuroeq.describe.operators import operators
from neuroeq.describe.spec import Network
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Trial, estimate
from neuroeq.learning.trainers.compiled import Compiled
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.circuits import kernels
from neuroeq.physics.engine import can_compile, time_step
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams

from . import plain
from .machine import describe, gemm_rate

EPOCH, NONZERO, COUNTED = 60_000, 0.19, 2_000
PART, PART_OF_CONVOLUTIONS = 10, 75
"""Slow ways are timed on this part of an epoch, and convolutional networks in every way."""
LONG = 1_000
"""Epochs of a training that is worth compiling; the first is timed."""
ROUNDS = 3
SIGMOID = (
    "layers.hidden.size=512",
    "substrate.rate.neuron=sigmoid",
    "training.batch_size=50",
    "phases.free.duration=30 steps",
    "phases.nudged.duration=10 steps",
    "phases.variant=positive",
)
MORE_STEPS = ("phases.free.duration=30 steps", "phases.nudged.duration=10 steps")
NETWORKS: dict[str, tuple[type, str | None, tuple[str, ...]]] = {
    "mnist_rate": (plain.Rate, None, ("phases.nudged.duration=4 steps", "phases.variant=positive")),
    "mnist_rate_centred": (plain.Rate, None, ()),
    "mnist_rate, sigmoid": (plain.Sigmoid, None, SIGMOID),
    "mnist_spiking": (plain.Spiking, None, ()),
    "mnist_conv": (plain.Convolutional, None, ()),
    "mnist_conv, 30 + 2 x 10": (plain.Convolutional, None, MORE_STEPS),
    "mnist_drn_xs": (plain.Resistive, None, ()),
    "mnist_drn_1h": (plain.Resistive, None, ()),
    "mnist_real_diode": (plain.RealDiodes, "real_diode", ()),
}
"""By network, and what is different in it: written by hand, hardware, settings."""


def images(network: Network, n: int) -> Examples:
    """Return examples to learn from: MNIST, or random images where it is not here."""
    if os.environ.get("NEUROEQ_DATA") and (Path(os.environ["NEUROEQ_DATA"]) / "mnist").is_dir():
        return load(network.model_copy(update={"data": network.data.model_copy(update={"limit": n})}))
    rng, width = np.random.default_rng(0), network.layers[network.input_layer].size
    pixels = rng.integers(0, 256, (n, width), np.uint8) * (rng.random((n, width)) < NONZERO)
    part = Part(pixels.astype(np.uint8), rng.integers(0, 10, n), np.arange(n), 1 / 255)
    return Examples(part, None, None, 10)


def seconds(network: Network, n: int, engine: str | None = None) -> float:
    """Return CPU seconds of training on one image in an epoch of n, compilation apart; of the engine, or its own."""
    streams = Streams(0)
    long = network.training.model_copy(update={"epochs": LONG})
    options = network.run.model_copy(update={"engine": engine})
    network = network.model_copy(update={"training": long, "run": options})
    for count in (min(n, 10 * network.training.batch_size), n):  # the first time warms up
        state = initial_state(network, streams)
        substrate = build(network, state.params, network.training.batch_size)
        for step in train(substrate, images(network, count), state, streams):
            if step.ends_epoch:
                break
    return state.cpu_s / n


def seconds_by_hand(update: Callable[..., object], network: Network, n: int) -> float:
    """Return CPU seconds of one image's share of the update of a batch, data preparation included."""
    size, dtype = network.training.batch_size, network.physics.precision
    examples = images(network, n).train
    start = time.process_time()
    for first in range(0, n, size):
        x, labels = examples.take(slice(first, first + size), dtype)
        update(x, targets(labels, 10, "one_hot").astype(dtype))
    return (time.process_time() - start) / n


def difference(by_hand: type, network: Network) -> float:
    """Return how far the update of a batch by hand is from the engine's, in double precision, relative to it."""
    name = network.substrate_name
    physics = network.physics.model_copy(update={"precision": "float64"})
    exact = network.model_copy(update={"substrate": {name: physics}})
    examples, params = images(exact, network.training.batch_size), initial_state(exact, Streams(0)).params
    x, _, y = examples.batch(examples.train, slice(None), exact)
    substrate = build(exact, params, len(x))
    trial = Trial.of(substrate, x, y, nudges(exact.phases, np.random.default_rng(0)), np.random.default_rng(0))
    ours, theirs = estimate(substrate, trial).change, by_hand(exact, params).update(x, y)
    return max(float(np.abs(ours[name] - theirs[name]).max() / np.abs(ours[name]).max()) for name in ours)


def operations(network: Network) -> float:
    """Return the floating-point operations per image that the couplings ask for: two a weight and product.

    Pixels that are 0 ask for none, but those that a kernel sees.
    """
    dt = 1.0 if network.kind.conductances else time_step(network)
    nudges = 2 if network.phases.variant == "centred" else 1
    steps = network.phases.free.n_steps(dt) + nudges * network.phases.nudged.n_steps(dt)
    seen = float((images(network, COUNTED).train.take(slice(0, COUNTED))[0] != 0).mean())
    asked, maps = 0.0, operators(network)
    for name, projection in network.projections.items():
        clamped = projection.source == network.input_layer
        asked += 2 * maps[name].products * ((seen if projection.kind == "dense" else 1) if clamped else steps + 1)
    return 2 * asked


def training(console: Console) -> None:
    """Print the table."""
    peak = gemm_rate("float32")
    table = Table(
        *("network", "way", "images/s", "CPU s per 60,000", "by hand / it", "Gflop/s", "of products"),
        title="training",
    )
    for name, (by_hand, hardware, settings) in NETWORKS.items():
        network = resolve(name.split(",")[0], settings=settings, hardware=hardware)
        params = initial_state(network, Streams(0)).params
        few = EPOCH // (PART_OF_CONVOLUTIONS if network.convolutions else PART)
        many = few if network.convolutions else EPOCH
        ways: dict[str, Callable[[], float]] = {
            "NumPy, by hand": partial(seconds_by_hand, by_hand(network, params).update, network, few)
        }
        if network.kind.conductances:
            ways[f"neuroeq, {'numba' if kernels.available() else 'NumPy'}"] = partial(seconds, network, many)
        else:
            ways["neuroeq, stepper"] = partial(seconds, network, few, "stepper")
            if can_compile() and not any(Compiled.reasons(network)):
                ways["neuroeq, compiled"] = partial(seconds, network, many, "compiled")
        best = dict.fromkeys(ways, np.inf)
        for _ in range(ROUNDS):  # in turn, so that a machine that slows down slows them all
            for way, call in ways.items():
                best[way] = min(best[way], call())
        work = operations(network)
        console.print(
            f"{name}: {EPOCH * work / 1e9:,.0f} Gflop in the couplings of 60,000 images; the update by hand is off by "
            f"{difference(by_hand, network):.0e} in double precision"
        )
        for way, used in best.items():
            ratio = "" if way.startswith("NumPy") else f"{best['NumPy, by hand'] / used:.2f}"
            rates = f"{work / used / 1e9:.1f}", f"{work / used / peak:.0%}"
            table.add_row(name, way, f"{1 / used:,.0f}", f"{EPOCH * used:.2f}", ratio, *rates)
        table.add_section()
    console.print(table)


def main() -> None:
    """Run the benchmark."""
    console = Console(width=140)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        console.print(describe())
        training(console)
