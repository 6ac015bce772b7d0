"""Operating points against ngspice on one netlist, and the training of a deep resistive network.

784-128-10, every conductance random, diodes to +-0.3 V: 101,632 resistors. ngspice solves it one sample at a time, as
the process that is started for it, and as one more ``op`` of a running process, where start and parsing are not
counted. Ours are operating points of new inputs, from summing up the conductances on.

1568-100-10 learns in batches of 4: gain 100, beta 1 S centred, 4 sweeps in each phase (Scellier 2024,
arXiv:2402.11674). Times are CPU times with one BLAS thread, the best of several rounds; compilation is not counted.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from neuroeq.data.sources import read
from neuroeq.physics.circuits import kernels
from neuroeq.physics.circuits.circuit import Circuit, Drive, Layer, OperatingPoint
from neuroeq.physics.circuits.diodes import Diode, IdealDiode, ShockleyDiode
from neuroeq.physics.circuits.fused.setting import Rates, Setting
from neuroeq.physics.circuits.fused.training import FusedTraining
from neuroeq.physics.circuits.solve import operating_point
from neuroeq.physics.circuits.spice import netlist as spice
from neuroeq.physics.circuits.spice import ngspice

from .machine import describe

Array = np.ndarray
N_INPUT, N_HIDDEN, N_OUTPUT, BIAS, AMPLITUDE = 784, 128, 10, 0.3, 10.0
"""The amplitude makes one diode in five conduct."""
COMPARED = 2
"""Samples that ngspice solves too."""
MORE_OPS = 3
BATCH, HIDDEN, EXAMPLES, EPOCH = 4, 100, 6_000, 60_000
NONZERO = 0.19
"""Share of nonzero pixels in MNIST."""
RATES = Rates([0.006] * 2, [0.006] * 2)


class Netlist:
    """The circuit of the operating points."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.g = {
            "g1": rng.uniform(1e-6, 1e-4, (N_INPUT, N_HIDDEN)),
            "g2": rng.uniform(1e-6, 1e-4, (N_HIDDEN, N_OUTPUT)),
        }
        self.x = rng.uniform(-AMPLITUDE, AMPLITUDE, (512, N_INPUT))

    def circuit(self, diode: Diode) -> Circuit:
        """Return the circuit with one kind of diode."""
        layers = {"h": Layer(N_HIDDEN, diode, -BIAS, BIAS), "o": Layer(N_OUTPUT)}
        return Circuit({"x": N_INPUT}, layers, {"g1": ("x", "h"), "g2": ("h", "o")})

    def solver(self, diode: Diode, batch: int, dtype: str, sweeps: int | None = None) -> Callable[[], OperatingPoint]:
        """Return what solves a batch: by so many sweeps, or to the tolerance."""
        circuit, drive = self.circuit(diode), Drive({"x": self.x[:batch].astype(dtype)})
        g = {name: values.astype(dtype) for name, values in self.g.items()}
        how = {} if sweeps is None else {"method": "descent", "iterations": sweeps, "tolerance": None}

        def solve(certify: bool = sweeps is None) -> OperatingPoint:
            return operating_point(circuit, g, drive, certify=certify, **how)

        return solve


def cpu_seconds(call: Callable[[], object], rounds: int) -> float:
    """Return CPU seconds of a call, child processes included, the least of several."""
    found = []
    for _ in range(rounds):
        before = _cpu()
        call()
        found.append(_cpu() - before)
    return min(found)


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def run_ops(netlist: str, n: int) -> None:
    """Let one ngspice process solve a netlist so often."""
    control = "\n".join([".control", *["op"] * n, "quit", ".endc"])
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "circuit.cir").write_text(netlist.replace("\n.op\n", f"\n{control}\n"), encoding="utf-8")
        subprocess.run(["ngspice", "-n", "-b", "circuit.cir"], cwd=folder, capture_output=True, check=True)


def operating_points(console: Console) -> None:
    """Print the table of operating points."""
    table = Table(
        "operating point of 784-128-10",
        "us/sample",
        "samples/s",
        "x ngspice process",
        "x ngspice op",
        "residual",
        "V to ngspice",
        title="circuits: operating points",
    )
    netlist, shockley = Netlist(), ShockleyDiode(i_s=4.352e-9, n=1.906, spice=True)
    process, op, seen = spice_times(console, netlist, shockley)
    for name, used in (("ngspice, a process each", process), ("ngspice, one more op", op)):
        if used:
            table.add_row(name, f"{1e6 * used:,.0f}", f"{1 / used:.2f}", "", "", "", "")
    ways = {
        "Newton, Shockley, batch 64": (shockley, 64, "float64", None, 5),
        "Newton, Shockley, batch 256": (shockley, 256, "float64", None, 3),
        "descent, ideal, float64, 6 sweeps, batch 512": (IdealDiode(), 512, "float64", 6, 20),
        "descent, ideal, float32, 4 sweeps, batch 512": (IdealDiode(), 512, "float32", 4, 20),
    }
    for name, (diode, batch, dtype, sweeps, rounds) in ways.items():
        solve = netlist.solver(diode, batch, dtype, sweeps)
        used = cpu_seconds(solve, rounds) / batch
        point = solve(certify=True)
        away = ""
        if seen and diode is shockley:
            away = f"{max(np.abs(point.voltages[layer][:COMPARED] - seen[layer]).max() for layer in seen):.0e}"
        ratios = _ratios((process, op), used)
        residual = max(point.residual, point.complementarity)
        table.add_row(name, f"{1e6 * used:.2f}", f"{1 / used:,.0f}", *ratios, f"{residual:.0e}", away)
    console.print(table)


def spice_times(console: Console, netlist: Netlist, diode: Diode) -> tuple[float, float, dict[str, Array]]:
    """Return CPU seconds of a process and of one more op, and the voltages of the samples that are compared."""
    if not ngspice.available():
        console.print("ngspice is not installed: its rows and ratios are left out")
        return 0.0, 0.0, {}
    circuit, drive = netlist.circuit(diode), Drive({"x": netlist.x[:COMPARED]})
    texts = [spice.netlist(circuit, netlist.g, drive, sample=sample) for sample in range(COMPARED)]
    found = [spice.voltages(circuit, ngspice.simulate(text)) for text in texts]
    one = cpu_seconds(lambda: run_ops(texts[0], 1), 2)
    more = cpu_seconds(lambda: run_ops(texts[0], 1 + MORE_OPS), 2)
    seen = {layer: np.concatenate([each[layer] for each in found]) for layer in circuit.layers}
    return one, (more - one) / MORE_OPS, seen


def _ratios(reference: tuple[float, float], used: float) -> list[str]:
    return [f"{each / used:,.0f}" if each else "" for each in reference]


def examples() -> tuple[str, Array, Array]:
    """Return MNIST where there is one, else random images: what they are, inputs in [0, 1] and targets."""
    if os.environ.get("NEUROEQ_DATA") and (Path(os.environ["NEUROEQ_DATA"]) / "mnist").is_dir():
        source = read("mnist", 0, 0.0, None)
        return "MNIST", source.inputs[:EXAMPLES] * source.scale, np.eye(N_OUTPUT)[source.labels[:EXAMPLES]]
    rng = np.random.default_rng(0)
    images = rng.random((EXAMPLES, N_INPUT)) * (rng.random((EXAMPLES, N_INPUT)) < NONZERO)
    return "random images", images, np.eye(N_OUTPUT)[rng.integers(0, N_OUTPUT, EXAMPLES)]


def training(console: Console, rounds: int = 3) -> None:
    """Print the table of training."""
    name, x, y = examples()
    table = Table(
        "training of 1568-100-10", "CPU s per 60,000 samples", "us/batch", title=f"circuits: training, {name}"
    )
    ways = [("NumPy", False)] + [("numba", True)] * kernels.available()
    for way, compiled in ways:
        for dtype in ("float32", "float64"):
            learner, inputs, targets = new_training(dtype, compiled), x.astype(dtype), y.astype(dtype)
            order = np.random.default_rng(1).permutation(len(x))
            learner.train(inputs, targets, order[:BATCH], BATCH, RATES)  # compiles
            used = cpu_seconds(partial(learner.epoch, inputs, targets, order, BATCH, RATES), rounds) / len(x)
            table.add_row(f"{way}, {dtype}", f"{EPOCH * used:.2f}", f"{1e6 * BATCH * used:.0f}")
    console.print(table)
    if not kernels.available():
        console.print("numba is not installed: its rows are left out")


def new_training(dtype: str, compiled: bool) -> FusedTraining:
    """Return the network before its first batch."""
    rng, first = np.random.default_rng(0), np.arange(HIDDEN) < HIDDEN // 2
    shapes = ((2 * N_INPUT, HIDDEN), (HIDDEN, N_OUTPUT))
    g1, g2 = (np.maximum(rng.uniform(-1, 1, size) / np.sqrt(size[0]), 0).astype(dtype) for size in shapes)
    hidden = Layer(HIDDEN, IdealDiode(), np.where(first, 0, -np.inf), np.where(first, np.inf, 0))
    return FusedTraining(Setting([hidden], beta=1.0, gain=100.0), [g1, g2], compiled=compiled)


def main() -> None:
    """Run the benchmark."""
    console = Console(width=150)
    with threadpool_limits(1):
        console.print(describe())
        operating_points(console)
        training(console)
