"""The engine against the textbook Brian2 script and against hand-written NumPy, on equal equations.

    du/dt = (rho(u) W + b - u [+ beta (y - u)])/tau, u clipped to [0, 1];   30 free and 10 nudged Euler steps of tau/2
    Delta W = <rho_i rho_j> nudged - <rho_i rho_j> free, over beta

The textbook script runs one sample at a time, with two `net.run` a sample. That all three compute the same update is
checked first. Times are CPU times of one process with one BLAS thread; the best of several rounds, side by side.
"""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from neuroeq.contract import Params, Stop
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.spec import Network, validate
from neuroeq.learning.costs import SquaredError
from neuroeq.learning.rules import Trial, contrastive, in_situ
from neuroeq.physics.engine import can_compile
from neuroeq.physics.substrates import NeuronSubstrate

from .machine import describe

Array = np.ndarray
FREE, NUDGED, BETA, BATCH = 30, 10, 0.5, 32
SIZES = ((64, 32, 10), (784, 256, 10))


def network(sizes: tuple[int, int, int]) -> Network:
    """Return the network of this benchmark."""
    n_input, n_hidden, n_output = sizes
    return resolve(
        validate(
            Network,
            {
                "title": "benchmark",
                "name": "benchmark",
                "data": {"name": "digits"},
                "layers": {
                    "input": {"size": n_input, "role": "input"},
                    "hidden": {"size": n_hidden},
                    "output": {"size": n_output, "role": "output"},
                },
                "projections": {
                    "input_hidden": {"source": "input", "target": "hidden", "learning_rate": 0.1},
                    "hidden_output": {"source": "hidden", "target": "output", "learning_rate": 0.1},
                },
                "phases": {
                    "variant": "positive",
                    "beta": BETA,
                    "free": {"duration": f"{FREE} steps"},
                    "nudged": {"duration": f"{NUDGED} steps"},
                },
                "training": {"epochs": 1, "batch_size": BATCH},
                "substrate": {"rate": {"neuron": "hard_sigmoid", "synapse": "rate_derivative"}},
            },
            "benchmark",
        ),
        "rate",
    )


class Numpy:
    """The same step, written by hand."""

    def __init__(self, params: Params) -> None:
        self.params = params

    def update(self, x: Array, y: Array) -> Params:
        """Return the update of a batch."""
        w1, w2 = self.params["input_hidden"], self.params["hidden_output"]
        b1, b2 = self.params["hidden.bias"], self.params["output.bias"]
        m, clamped = len(x), x @ w1 + b1
        h, o = np.zeros((m, w2.shape[0])), np.zeros((m, w2.shape[1]))

        def relax(h: Array, o: Array, steps: int, beta: float) -> tuple[Array, Array]:
            for _ in range(steps):
                into_h, into_o = clamped + o @ w2.T, h @ w2 + b2
                if beta:
                    into_o += beta * (y - o)
                h = np.clip(h + 0.5 * (into_h - h), 0, 1)
                o = np.clip(o + 0.5 * (into_o - o), 0, 1)
            return h, o

        h, o = relax(h, o, FREE, 0.0)
        h1, o1 = relax(h, o, NUDGED, BETA)
        scale = 1 / (BETA * m)
        return {
            "input_hidden": scale * (x.T @ (h1 - h)),
            "hidden_output": scale * (h1.T @ o1 - h.T @ o),
            "hidden.bias": scale * (h1 - h).sum(axis=0),
            "output.bias": scale * (o1 - o).sum(axis=0),
        }


class Textbook:
    """The script that the Brian2 tutorial leads to: native Synapses, one sample, two runs."""

    def __init__(self, sizes: tuple[int, int, int], params: Params, target: str) -> None:
        import brian2 as b2

        b2.prefs.codegen.target = target
        self.b2, clock = b2, b2.Clock(dt=5 * b2.ms)
        units = """
            du/dt = (from_below + from_above + bias - u + nudge*(goal - u))/(10*ms) : 1
            from_below : 1
            from_above : 1
            bias : 1
            nudge : 1
            goal : 1
        """
        self.x = b2.NeuronGroup(sizes[0], "u : 1", clock=clock)
        self.h = b2.NeuronGroup(sizes[1], units, method="euler", clock=clock)
        self.o = b2.NeuronGroup(sizes[2], units, method="euler", clock=clock)
        for group in (self.h, self.o):
            group.run_regularly("u = clip(u, 0, 1)", when="groups", order=1)
        up = b2.Synapses(self.x, self.h, "w : 1\nfrom_below_post = w*u_pre : 1 (summed)", clock=clock)
        on = b2.Synapses(
            self.h,
            self.o,
            "w : 1\nfrom_below_post = w*u_pre : 1 (summed)\nfrom_above_pre = w*u_post : 1 (summed)",
            clock=clock,
        )
        for synapses, name in ((up, "input_hidden"), (on, "hidden_output")):
            synapses.connect()
            synapses.w = params[name].ravel()
        self.h.bias, self.o.bias = params["hidden.bias"], params["output.bias"]
        self.net = b2.Network(self.x, self.h, self.o, up, on)

    def update(self, x: Array, y: Array) -> Params:
        """Return the update of one sample."""
        ms, step = self.b2.ms, 5
        self.x.u, self.h.u, self.o.u, self.o.nudge = x, 0, 0, 0
        self.net.run(FREE * step * ms)
        h, o = np.array(self.h.u), np.array(self.o.u)
        self.o.goal, self.o.nudge = y, BETA
        self.net.run(NUDGED * step * ms)
        h1, o1 = np.array(self.h.u), np.array(self.o.u)
        return {
            "input_hidden": np.outer(x, h1 - h) / BETA,
            "hidden_output": (np.outer(h1, o1) - np.outer(h, o)) / BETA,
            "hidden.bias": (h1 - h) / BETA,
            "output.bias": (o1 - o) / BETA,
        }


class Ours:
    """The engine, by either way of learning."""

    def __init__(self, sizes: tuple[int, int, int], params: Params, learning: str, target: str) -> None:
        self.substrate = NeuronSubstrate(network(sizes), params, BATCH, target=target)
        self.rule = {"in_situ": in_situ, "contrastive": contrastive}[learning]
        self.rng = np.random.default_rng(0)

    def update(self, x: Array, y: Array) -> Params:
        """Return the update of a batch."""
        stops = (Stop(FREE, every=FREE), Stop(NUDGED, every=NUDGED))
        return self.rule(self.substrate, Trial(x, y, [(BETA, 1 / BETA)], SquaredError(), *stops, self.rng)).change


def cpu_per_call(call: Callable[[], object], seconds: float) -> float:
    """Return CPU seconds of a call, averaged over a while."""
    start, calls = time.process_time(), 0
    while (used := time.process_time() - start) < seconds:
        call()
        calls += 1
    return used / calls


def largest_difference(one: Params, other: Params) -> float:
    """Return the largest difference between two updates."""
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


def bench(console: Console, rounds: int = 5) -> None:
    """Print the table."""
    targets = ["numpy", "cython"] if can_compile() else ["numpy"]
    table = Table("network", "way", "ms/sample", "textbook / it", "it / NumPy", "largest difference", title="engine")
    for sizes in SIZES:
        rng = np.random.default_rng(0)
        params = initial_params(network(sizes), rng)
        params = {name: value + (0.1 if name.endswith("bias") else 0.0) for name, value in params.items()}
        x, y = rng.random((BATCH, sizes[0])), np.eye(sizes[2])[rng.integers(0, sizes[2], BATCH)]
        textbook = Textbook(sizes, params, targets[-1])  # before the others, so that no object of theirs slows it down
        samples = [textbook.update(x[index], y[index]) for index in range(4)]
        few = {name: np.mean([sample[name] for sample in samples], axis=0) for name in samples[0]}
        slow = min(cpu_per_call(partial(textbook.update, x[0], y[0]), 1.0) for _ in range(3))
        ways: dict[str, tuple[Numpy | Ours, int]] = {"NumPy, by hand": (Numpy(params), BATCH)}
        for target in targets:
            for learning in ("in_situ", "contrastive"):
                ways[f"neuroeq {learning}, {target}"] = (Ours(sizes, params, learning, target), BATCH)
        best = {way: np.inf for way in ways}
        for _ in range(rounds):  # in turn, so that a machine that slows down slows them all
            for way, (model, size) in ways.items():
                used = cpu_per_call(partial(model.update, x, y), 0.3) / size
                best[way] = min(best[way], used)
        name = "-".join(map(str, sizes))
        table.add_row(name, f"textbook Brian2, {targets[-1]}", f"{1e3 * slow:.1f}", "1", "", "")
        for way, used in best.items():
            difference = largest_difference(ways[way][0].update(x[:4], y[:4]), few)
            ratio = "" if way.startswith("NumPy") else f"{used / best['NumPy, by hand']:.2f}"
            table.add_row(name, way, f"{1e3 * used:.4f}", f"{slow / used:,.0f}", ratio, f"{difference:.0e}")
        table.add_section()
    console.print(table)


def memory(console: Console, batches: int = 1000) -> None:
    """Print how the process grows over many batches."""
    sizes = SIZES[0]
    rng = np.random.default_rng(0)
    ours = Ours(sizes, initial_params(network(sizes), rng), "in_situ", "numpy")
    x, y = rng.random((BATCH, sizes[0])), np.eye(sizes[2])[rng.integers(0, sizes[2], BATCH)]
    for _ in range(50):
        ours.update(x, y)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(batches):
        ours.update(x, y)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    console.print(f"memory: {before / 1024:.0f} MiB at the peak, {grown / 1024:+.1f} MiB after {batches} more batches")


def main() -> None:
    """Run the benchmark."""
    console = Console(width=120)
    with threadpool_limits(1):
        console.print(describe())
        bench(console)
        memory(console)
