"""The sample that a file is about."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuroeq.data import load
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from ..run import Run

Array = np.ndarray


def sample_of(run: Run, network: Network, sample: int) -> tuple[Array, Array]:
    """Return one input, (1, n_input), and its target."""
    examples = load(network, Path(network.run.data_dir) if network.run.data_dir else None)
    part = examples.test or examples.train
    if not 0 <= sample < len(part):
        raise SpecError(f"{run.path}: sample is {sample}; expected 0 to {len(part) - 1}, what the data set has.")
    inputs, labels = part.take(np.array([sample]), "float64")
    return inputs, examples.coding.targets(labels)
