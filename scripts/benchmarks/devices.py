"""Training speed of digits on devices and wires, beside the ideal crossbar, in turn in one process.

Times are CPU times of one thread for a sample, with everything that a run does between two batches; evaluation is not
counted. The share of the wires is what is spent in `WiredArrays`, that of the devices in the update of `Chip`. Then a
trained run is evaluated on several chips, and arrays with wires are solved exactly: once for all drives, and then for
one drive more.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from neuroeq import evaluate_run
from neuroeq import train as trained
from neuroeq.data import load
from neuroeq.describe.catalog import resolve
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.circuits.crossbar import crossbar_currents
from neuroeq.physics.circuits.wires import Wires
from neuroeq.physics.devices import Chip
from neuroeq.physics.substrates import build
from neuroeq.physics.substrates.wiring import WiredArrays
from neuroeq.randomness import Streams

from .machine import describe

ROUNDS = 2
HARDWARE = ("pcm", "ecram_mo", "hfo2_rram_alox")
WAYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "wires": ((), ()),
    "ideal wires": (("wires",), ()),
    "wires, exact": ((), ("hardware.array.solver='exact'", "data.limit=100")),
    "ideal devices": (("devices",), ()),
}
"""By name: the parts that are ideal, and settings."""
DRAWS = 50
"""The number of chips that a trained run is evaluated on."""
PARASITICS = Wires(r_row=1.0, r_col=2.5, r_source=30.0, r_sense=7.0)
ARRAYS = ((128, 128), (784, 128))
"""The sizes of arrays that are solved exactly."""


@contextmanager
def timed(owner: type, names: tuple[str, ...]) -> Iterator[list[float]]:
    """Add up the CPU seconds that are spent in some methods of a class, in the list that is yielded."""
    spent, before = [0.0], {name: getattr(owner, name) for name in names}

    def measured(name: str) -> object:
        def call(*given: object) -> object:
            start = time.process_time()
            try:
                return before[name](*given)
            finally:
                spent[0] += time.process_time() - start

        return call

    for name in names:
        setattr(owner, name, measured(name))
    try:
        yield spent
    finally:
        for name, method in before.items():
            setattr(owner, name, method)


def epoch(hardware: str | None, ideal: tuple[str, ...], settings: tuple[str, ...]) -> tuple[float, ...]:
    """Return CPU seconds of a sample, the shares of wires and of devices in them, and the error of wires."""
    network = resolve("digits", "crossbar", ["training.epochs=1", *settings], hardware, ideal)
    streams, examples = Streams(0), load(network)
    state = initial_state(network, streams)
    substrate = build(network, state.params, network.training.batch_size)
    with timed(WiredArrays, ("effective", "check")) as wires, timed(Chip, ("update",)) as devices:
        for _ in train(substrate, examples, state, streams):
            pass
    n = len(examples.train)
    return state.cpu_s / n, wires[0] / n, devices[0] / n, np.nan if state.wire_error is None else state.wire_error


def evaluation(hardware: str | None) -> float:
    """Return the CPU seconds of evaluating digits after an epoch, on chips whose devices are drawn anew."""
    with tempfile.TemporaryDirectory() as folder:
        run = trained("digits", "crossbar", hardware=hardware, epochs=1, out=Path(folder) / "run", progress=False)
        evaluate_run(run)  # warms up
        start = time.process_time()
        evaluate_run(run, draws=DRAWS if hardware else 1)
        return time.process_time() - start


def solution(shape: tuple[int, int]) -> tuple[float, float]:
    """Return the CPU seconds of solving an array with wires, and of a drive after that."""
    rng, times = np.random.default_rng(), []
    g, drives = rng.uniform(1e-6, 1e-4, shape), rng.uniform(0.0, 0.1, (2, 1, shape[0]))
    for drive in drives:
        start = time.process_time()
        crossbar_currents(g, drive, PARASITICS)
        times.append(time.process_time() - start)
    return times[0], times[1]


def main() -> None:
    """Run the benchmark."""
    console = Console(width=120)
    table = Table("devices", "way", "ms a sample", "of it wires", "of it devices", "error of wires", title="digits")
    rows: dict[tuple[str, str], tuple[str | None, tuple[str, ...], tuple[str, ...]]] = {
        ("none", "ideal"): (None, (), ())
    }
    rows |= {(name, way): (name, *how) for name in HARDWARE for way, how in WAYS.items()}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        console.print(describe())
        epoch(None, (), ())  # warms up
        best = {row: min(epoch(*how) for _ in range(1 if "exact" in row[1] else ROUNDS)) for row, how in rows.items()}
    for (name, way), (all_of_it, wires, devices, error) in best.items():
        shares = (f"{1e3 * seconds:.3f}" for seconds in (all_of_it, wires, devices))
        table.add_row(name, way, *shares, "" if np.isnan(error) else f"{error:.0e}")
    console.print(table)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ideal, chips = evaluation(None), evaluation(HARDWARE[0])
    console.print(
        f"evaluation of digits: {chips:.1f} s on {DRAWS} chips of {HARDWARE[0]}, {ideal:.2f} s on ideal devices"
    )
    arrays = Table("array", "ms to solve it", "ms a further drive", title="arrays with wires, solved exactly")
    with threadpool_limits(1):
        for shape in ARRAYS:
            arrays.add_row(
                f"{shape[0]} x {shape[1]}", *(f"{1e3 * s:.3g}" for s in min(solution(shape) for _ in range(3)))
            )
    console.print(arrays)
