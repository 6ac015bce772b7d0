"""A trained network and one of its recorded samples as a script that needs Brian2 and NumPy alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.contract import Stop
from neuroeq.data import load
from neuroeq.errors import SpecError
from neuroeq.learning.phases import nudges
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.engine.script import Trial, check, script
from neuroeq.physics.substrates import NeuronSubstrate, build
from neuroeq.randomness import Streams

from ..records.recorded import read_samples, read_segments, recorded_sample
from ..run import Run

Array = np.ndarray


def write(run: Run, file: Path, sample: int = 0) -> dict[str, Any]:
    """Write the script of `brian2`, and return how many lines it has and the command that runs it."""
    text = brian2(run, sample)
    file.write_text(text, encoding="utf-8")
    return {"lines": text.count("\n"), "run": "python FILE"}


def brian2(run: Run, sample: int = 0) -> str:
    """Return a script that repeats the phases of a recorded sample after training.

    Parameters
    ----------
    run
        The run of a network of neurons.
    sample
        The number of the sample among the recorded ones.

    Raises
    ------
    SpecError
        If the sample is not recorded, or the network has a part that the script cannot hold.
    """
    network, streams = run.network, Streams(run.network.run.seed)
    check(network)
    chosen, phases = recorded_sample(run.folder, sample), read_segments(run.folder, "after")
    which = [each.index for each in read_samples(run.folder)]
    if chosen.part is None or None in which:
        raise SpecError(f"{run.path}: does not say which samples are recorded; train it again.")
    examples = load(network, network.run.data_dir)
    inputs, _, wanted = examples.batch(getattr(examples, chosen.part), np.array(which), network)
    state = run.folder.load()
    substrate = build(network, state.params, len(inputs), plastic=False, target="numpy")
    if not isinstance(substrate, NeuronSubstrate):
        raise SpecError(f"{run.path}: substrate '{network.substrate_name}' has no equations of neurons.")
    substrate.hold(WeightStore.of(network, state, streams).held)
    resting = substrate.relax(inputs, stop=Stop(0), rng=streams.child("probe", 1))
    rows = substrate.simulation.rows(resting.resume, len(inputs))
    rest: dict[str, dict[str, Array]] = {layer: {} for layer in network.layers}
    for place, values in rows.items():
        layer, _, name = place.partition("/")
        rest[layer][name] = values[sample]
    betas = [0.0, *(beta for beta, _ in nudges(network.phases, streams.child("probe", 0)))]
    listed = [(phase.name, len(phase.t), beta) for phase, beta in zip(phases, betas, strict=True)]
    about = [f"{network.title}, network {network.name}, on substrate {network.substrate_name}, after training"]
    about.append(f"seed {network.run.seed}, {chosen.caption()}")
    trial = Trial(inputs[sample], wanted[sample], listed, rest, about)
    return script(network, substrate.simulation, substrate.weights, trial)
