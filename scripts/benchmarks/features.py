"""What a feature of a network costs: each against the plain network of its kind, in turn in one process.

Times are CPU times of one thread for an image, with everything that a run does between two batches of an epoch. Two
columns count what the equations of a feature ask for: the coupling products of an image, each of a coupling's matrix
with activities, or of the activities at its two ends; and the pairs of units in their matrices, connected or not.
Those of the clamped input are needed once for a batch, unless it is encoded or weights move at every step. A mask
changes neither, as its matrix is multiplied with the zeros in it, unless it is so sparse that products run over the
connected pairs alone. The last two columns are the time of an image and that of a pair, each over the plain network's.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from neuroeq.data import Examples
from neuroeq.describe.catalog import resolve
from neuroeq.describe.operators import operators
from neuroeq.describe.spec import Network, overlay, validate
from neuroeq.learning.trainers import choose
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.engine import can_compile
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams

from .training import LONG, images

ROUNDS, SECONDS, EPOCH = 3, 0.4, 50_000
PAGE = Path(__file__).parents[2] / "docs" / "engines.md"
TABLE = re.compile("(<!-- features: begin -->\n).*?(<!-- features: end -->)", re.DOTALL)
PLAIN: dict[str, dict[str, Any]] = {
    "rate": {"substrate": {"rate": {"neuron": "hard_sigmoid", "synapse": "rate_derivative", "precision": "float32"}}},
    "spiking": {
        "training": {"learning": "in_situ"},
        "phases": {"free": {"duration": "40 steps"}, "nudged": {"duration": "20 steps"}},
        "substrate": {"spiking": {"neuron": "sigma_delta", "synapse": "two_trace", "precision": "float32"}},
    },
    "resistive": {
        "layers": {"hidden": {"bias": False}, "output": {"bias": False}},
        "phases": {"free": {"duration": "4 steps"}, "nudged": {"duration": "4 steps"}, "nudge": "held_current"},
        "projections": {
            name: {"initial": {"scheme": "rectified_uniform", "gain": 1}} for name in ("input_hidden", "hidden_output")
        },
        "substrate": {
            "resistive": {"precision": "float32", "circuit": {"input_gain": 20, "outputs": "paired", "diodes": "split"}}
        },
    },
}
OVER = ("an image, over plain", "a pair, over plain")
ONE_NUDGE = {"phases": {"variant": "positive"}, "training": {"learning": "in_situ"}}
HALF = {"projections": {"input_hidden": {"connect": {"probability": 0.5}}}}
FEATURES: dict[str, dict[str, dict[str, Any]]] = {
    "rate": {
        "batches of 1": {"training": {"batch_size": 1}},
        "sigmoid": {"substrate": {"rate": {"neuron": "sigmoid"}}},
        "in situ": {"training": {"learning": "in_situ"}},
        "weights that move at every step": overlay(ONE_NUDGE, {"training": {"update": "every_step"}}),
        "momentum": {"training": {"momentum": 0.9}},
        "l1": {"training": {"l1": 1e-6}},
        "signs of changes": {"training": {"step": {"kind": "sign"}}},
        "weights of two values": {"training": {"step": {"kind": "binary", "inertia": 0.1, "threshold": 1e-6}}},
        "half of the connections": HALF,
        "a twentieth of the connections": {"projections": {"input_hidden": {"connect": {"probability": 0.05}}}},
        "cross-entropy": {"phases": {"cost": "cross_entropy"}},
        "tolerance, never reached": {"phases": {"free": {"tolerance": 1e-30}, "nudged": {"tolerance": 1e-30}}},
        "persistent particles": {"phases": {"persistent": True}},
        "held current": {"phases": {"nudge": "held_current"}},
        "coupled learning": {"training": {"rule": "coupled_learning"}},
        "vector field": {"training": {"rule": "vector_field"}},
        "pruning": {"training": {"prune": {"below": 1e-4, "temperature": 5.0}}},
        "ideal crossbar": {"on": "crossbar"},
    },
    "spiking": {
        "lif": {"substrate": {"spiking": {"neuron": "lif"}}},
        "lif_hard": {"substrate": {"spiking": {"neuron": "lif_hard", "dt": "1 ms"}}},
        "slopes of three values": {"substrate": {"spiking": {"synapse": "two_trace_ternary"}}},
        "random spikes": {"substrate": {"spiking": {"neuron": "bernoulli"}}},
        "encoder": {"substrate": {"spiking": {"input": "encoder_sigma_delta"}}},
        "random encoder": {"substrate": {"spiking": {"input": "encoder_bernoulli"}}},
        "persistent particles": {"phases": {"persistent": True}},
        "momentum": {"training": {"momentum": 0.9}},
        "delay": {"projections": {"hidden_output": {"delay": "2 ms"}}},
    },
    "resistive": {"momentum": {"training": {"momentum": 0.9}}, "l1": {"training": {"l1": 1e-6}}, "mask": HALF},
}


def network(kind: str, over: dict[str, Any]) -> Network:
    """Return a network of 784-512-10 units, with a table laid over the plain one of its kind."""
    base: dict[str, Any] = {
        "title": "benchmark",
        "name": "benchmark",
        "data": {"name": "mnist"},
        "layers": {
            "input": {"size": 784, "role": "input"},
            "hidden": {"size": 512},
            "output": {"size": 10, "role": "output"},
        },
        "projections": {
            "input_hidden": {"source": "input", "target": "hidden", "learning_rate": 0.01},
            "hidden_output": {"source": "hidden", "target": "output", "learning_rate": 0.01},
        },
        "phases": {"beta": 0.1, "free": {"duration": "20 steps"}, "nudged": {"duration": "8 steps"}},
        "training": {"learning": "contrastive", "epochs": LONG, "batch_size": 20},
    }
    over = dict(over)
    on = over.pop("on", kind)
    return resolve(validate(Network, overlay(overlay(base, PLAIN[kind]), over), "benchmark"), on)


def products(net: Network) -> tuple[int, float]:
    """Return how many coupling products the equations ask for, for an image, and the pairs in their matrices."""
    dt = net.physics.dt or max(
        [model.dt for layer in net.layers if (model := net.neuron(layer)) is not None], default=1.0
    )
    nudges = 2 if net.phases.variant == "centred" else 1
    free, nudged = net.phases.free.n_steps(dt), nudges * net.phases.nudged.n_steps(dt)
    plastic, moves = net.training.learning == "in_situ", net.training.update == "every_step"
    count, total, maps = 0, 0.0, operators(net)
    for name, ends in net.projections.items():
        pairs = maps[name].products
        if ends.source == net.input_layer and net.neuron(net.input_layer) is None:
            needed = 2 + (2 * nudged if moves else 0)
        else:
            needed = (2 if net.symmetric(name) else 1) * (free + nudged) + (2 * nudged if plastic else 1 + nudges)
        count, total = count + needed, total + needed * pairs
    return count, total


def seconds(net: Network, engine: str | None, examples: Examples) -> float:
    """Return CPU seconds of an image; the first batches are not counted."""
    net = net.model_copy(update={"run": net.run.model_copy(update={"engine": engine})})
    streams = Streams(0)
    state = initial_state(net, streams)
    steps = train(build(net, state.params, net.training.batch_size), examples, state, streams)
    for _ in range(2):
        next(steps)
    before, done = state.cpu_s, 0
    while not done or state.cpu_s - before < SECONDS:
        done += next(steps).examples
    return (state.cpu_s - before) / done


def features(console: Console, page: Path | None = PAGE) -> None:
    """Print the table of features, and write it into a page."""
    heads = ("network", "feature", "products", "their pairs", "trainer", "stepper, us", "compiled, us", *OVER)
    table, lines = Table(*heads, title="features"), ["|".join(("", *heads, "")), "|" + "---|" * len(heads)]
    for kind, rows in FEATURES.items():
        plain: tuple[float, float] | None = None
        for name, over in {"plain": {}, **rows}.items():
            net = network(kind, over)
            (count, pairs), (trainer, slow, quick) = products(net), timed(net)
            image = quick if quick is not None else slow
            plain = plain or (image, image / pairs)
            ratios = (f"{image / plain[0]:.2f}", f"{image / pairs / plain[1]:.2f}")
            row = (kind, name, f"{count}", f"{pairs:.3g}", trainer, _us(slow), _us(quick), *ratios)
            console.print(", ".join(row))
            table.add_row(*row)
            lines.append("| " + " | ".join(row) + " |")
        table.add_section()
    console.print(table)
    if page is not None:
        written, found = TABLE.subn(lambda m: m[1] + "\n".join(lines) + "\n" + m[2], page.read_text())
        assert found == 1
        page.write_text(written)


def timed(net: Network) -> tuple[str, float, float | None]:
    """Return the trainer, and CPU seconds of an image with the stepper and with compiled code, where there is some."""
    own, quick = ("stepper", "compiled") if net.kind.engine != "operating_point" else ("operating_point", None)
    trainer = choose(net, 10**12, "cython").trainer
    engines = [own, *([quick] if quick and can_compile() and trainer.startswith("compiled") else [])]
    best, examples = dict.fromkeys(engines, float("inf")), images(net, EPOCH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(ROUNDS):
            for engine in engines:
                best[engine] = min(best[engine], seconds(net, engine, examples))
    return trainer, best[own], best.get("compiled")


def _us(value: float | None) -> str:
    return "" if value is None else f"{1e6 * value:,.0f}"
