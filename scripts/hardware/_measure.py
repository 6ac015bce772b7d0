"""What the scripts share: the cosine between an update of resistors and its gradient, and trainings on devices."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.data import load
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.spec.synapse import Synapse
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Trial, estimate
from neuroeq.learning.weight_store import WeightStore
from neuroeq.measures.evaluation import evaluate
from neuroeq.measures.fidelity import implicit_gradient
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams
from neuroeq.runs.run import Run
from neuroeq.runs.training import train

sys.path.insert(0, str(Path(__file__).parents[1] / "papers"))

SETTLED = [
    "substrate.resistive.circuit.v_unit=1 V",  # with converters and without
    "phases.free={duration='400 steps', tolerance=1e-14}",
    "phases.nudged={duration='400 steps', tolerance=1e-14}",
]


WINDOW = {"g_min": "0.1 uS", "g_max": "10 uS"}


def cosine(
    beta: float,
    hardware: dict[str, Any],
    *settings: str,
    ideal: dict[str, Any] | None = None,
    samples: int = 8,
    repeats: int = 3,
) -> float:
    """Return the mean cosine between the update of the digits network and the gradient of its ideal twin.

    Parameters
    ----------
    beta
        The strength of centred nudging by a held current.
    hardware
        The table of the hardware that the circuit is made of.
    settings
        Changes to the settings of the network.
    ideal
        The table of the hardware of the twin; it has ideal elements if left out.
    samples
        The number of examples in an update.
    repeats
        The number of updates, each with noise of its own, that the cosine is averaged over.
    """
    changes: list[Any] = [f"phases.beta={beta}", *SETTLED, *settings]
    twin = resolve("digits", "resistive", [*changes, {"hardware": ideal or {}}])
    real = resolve("digits", "resistive", [*changes, {"hardware": hardware}])
    streams = Streams(0)
    params = initial_params(twin, streams.child("init"))
    examples = load(twin)
    inputs, _, wanted = examples.batch(examples.train, np.arange(samples), twin)
    gradient = implicit_gradient(build(twin, params, samples), inputs, wanted)
    substrate, cosines = build(real, params, samples), []
    for repeat in range(repeats):
        chosen = nudges(real.phases, np.random.default_rng(0))
        change = estimate(substrate, Trial.of(substrate, inputs, wanted, chosen, np.random.default_rng(repeat))).change
        one, other = (np.concatenate([np.ravel(part[name]) for name in gradient]) for part in (change, gradient))
        norms = np.sqrt((one @ one) * (other @ other))
        cosines.append(-float(one @ other / norms) if norms else 0.0)
    return float(np.mean(cosines))


def volts(*settings: str, samples: int = 8) -> float:
    """Return the largest node voltage of the digits network. [V]."""
    net = resolve("digits", "resistive", [*SETTLED, *settings])
    examples = load(net)
    inputs, _, _ = examples.batch(examples.train, np.arange(samples), net)
    substrate = build(net, initial_params(net, Streams(0).child("init")), samples)
    free = substrate.relax(inputs, stop=substrate.stop(net.phases.free))
    return max(float(np.abs(v).max()) for v in free.state.values()) * net.v_unit


def trained(on: str, synapse: dict[str, Any], epochs: int, *settings: str, seed: int = 0) -> tuple[float, Run]:
    """Train the digits network on devices, without a compiler; return its test error and the run."""
    folder = tempfile.mkdtemp()
    changes: list[Any] = [{"hardware": {"synapse": synapse}}, *settings]
    run = train("digits", on, settings=changes, epochs=epochs, seed=seed, out=f"{folder}/run", target="numpy")
    assert run.test_error is not None
    return run.test_error, run


def transferred(run: Run, synapse: dict[str, Any], seed: int) -> float:
    """Return the test error of the weights of a run after they are written into other devices."""
    hardware = run.network.technology.model_copy(update={"synapse": Synapse.model_validate(synapse)})
    net, streams = run.network.model_copy(update={"hardware": hardware}), Streams(seed)
    store = WeightStore(net, run.folder.load().params, {}, streams)
    substrate, examples = build(net, store.params, 256), load(net)
    assert examples.test is not None
    stop = substrate.stop(net.phases.free)
    return evaluate(substrate, examples.test, examples.coding, stop, streams, "test", 0).error
