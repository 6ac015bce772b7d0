"""A trained circuit as a SPICE netlist, for one test sample, in the free phase or a nudged phase."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.contract import Stop
from neuroeq.data import load
from neuroeq.describe.kinds import kinds
from neuroeq.describe.network import with_full_scales
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.learning.costs import cost_of
from neuroeq.learning.rules import Trial
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.substrates import at_operating_point, build
from neuroeq.randomness import Streams

from ..run import Run

Array = np.ndarray
SETTLED = Stop(100_000, 1e-12)
"""The stopping criterion for voltages that are compared with those of a circuit simulator."""


def spice(run: Run, sample: int = 0, beta: float = 0.0) -> str:
    """Return the netlist of a run's circuit at the operating point of one sample.

    Parameters
    ----------
    run
        The run of a network on a circuit.
    sample
        The number of the sample in the test part, or in the training part if there is no test part.
    beta
        The strength of the nudge towards the sample's target, in the network's unit; 0 for the free phase.

    Raises
    ------
    SpecError
        If the run is not on a circuit, or its data has no such sample.
    """
    if not np.isfinite(beta):
        raise SpecError(f"--beta is {beta}; expected a finite number.")
    state = run.folder.load()
    network = with_full_scales(at_operating_point(run.network), state.full_scales)
    circuit = build(network, state.params, 1, plastic=False, target="numpy").as_circuit()
    if circuit is None:
        raise SpecError(
            f"{run.path}: substrate '{network.substrate_name}' is no circuit; run it on "
            f"{' or '.join(name for name, kind in kinds().items() if kind.on_devices)}."
        )
    circuit.hold(WeightStore.of(run.network, state, Streams(network.run.seed)).held)
    inputs, wanted = _sample(run, network, sample)
    nudges = [(beta, 1.0)] if beta else []
    trial = Trial(inputs, wanted, nudges, cost_of(network.phases), SETTLED, SETTLED, None, network.nudge)
    free, nudged = trial.settle(circuit)
    eq, nudge = (nudged[0], trial.nudge(beta, free)) if nudged else (free, None)
    phase = "free phase" if not beta else f"nudged, beta {beta:g}"
    title = f"{network.title}: {network.substrate_name}, seed {network.run.seed}, sample {sample}, {phase}"
    voltages, readings = _listed(circuit.voltages(eq)), _listed(circuit.readings(eq))
    header = [f"hardware: {circuit.hardware.title}"]
    header += [f"array {name}: {network.array(name).title}" for name in network.own_arrays]
    header += [f"voltages found here [V]: {voltages}"]
    if readings != voltages:
        header.append(f"as the converters read them [V]: {readings}")
    return circuit.netlist(inputs, eq, nudge, title=title, header=header)


def write(run: Run, file: Path, sample: int = 0, beta: float = 0.0) -> dict[str, Any]:
    """Write the netlist of `spice`, and return how many lines it has and the command that runs it."""
    text = spice(run, sample, beta)
    file.write_text(text, encoding="utf-8")
    mark = "* Run with: "
    command = next(line for line in text.splitlines() if line.startswith(mark)).removeprefix(mark)
    return {"lines": text.count("\n"), "run": command}


def _listed(voltages: Mapping[str, Array]) -> str:
    """Return the voltages of the first sample as text, layer after layer."""
    return "; ".join(f"{layer} {' '.join(f'{v:.9g}' for v in values[0])}" for layer, values in voltages.items())


def _sample(run: Run, network: Network, sample: int) -> tuple[Array, Array]:
    """Return one input, (1, n_input), and its target."""
    examples = load(network, network.run.data_dir)
    part = examples.test or examples.train
    if not 0 <= sample < len(part):
        raise SpecError(f"{run.path}: sample is {sample}; expected 0 to {len(part) - 1}, what the data set has.")
    inputs, labels = part.take(np.array([sample]), "float64")
    return inputs, examples.coding.targets(labels)
